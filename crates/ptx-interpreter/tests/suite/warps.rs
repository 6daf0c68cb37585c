use crate::run::{fault, refusal, run, word};

fn shuffled(instruction: &str) -> Vec<u64> {
    let body = format!(
        "mad.lo.u32 %r2, %r0, 10, 1; setp.eq.u32 %p1, %r0, %r0; {instruction}
        selp.u32 %r3, 1000, 0, %p1; add.u32 %r1, %r1, %r3; st.global.u32 [%rd1], %r1;"
    );
    run(&body, 1, 32).unwrap()
}

/// What a lane should have of another, and whether it was there.
fn of(lane: usize, there: bool) -> u64 {
    lane as u64 * 10 + 1 + if there { 1000 } else { 0 }
}

#[test]
fn lanes_read_each_other() {
    let found = shuffled("shfl.sync.bfly.b32 %r1|%p1, %r2, 5, 31, 0xffffffff;");
    assert!((0..32).all(|lane| found[lane] == of(lane ^ 5, true)));
    let found = shuffled("shfl.sync.down.b32 %r1|%p1, %r2, 3, 31, -1;");
    assert!((0..29).all(|lane| found[lane] == of(lane + 3, true)));
    assert!((29..32).all(|lane| found[lane] == of(lane, false)));
    let found = shuffled("shfl.sync.up.b32 %r1|%p1, %r2, 3, 0, -1;");
    assert!((3..32).all(|lane| found[lane] == of(lane - 3, true)));
    assert!((0..3).all(|lane| found[lane] == of(lane, false)));
    let found = shuffled("shfl.sync.idx.b32 %r1|%p1, %r2, 7, 31, -1;");
    assert!((0..32).all(|lane| found[lane] == of(7, true)));
}

#[test]
fn lanes_read_each_other_within_segments() {
    // Segments of eight: the mask of what stays is 0x18.
    let found = shuffled("shfl.sync.down.b32 %r1|%p1, %r2, 3, 0x1807, -1;");
    for (lane, found) in found.into_iter().enumerate() {
        let there = lane % 8 + 3 < 8;
        assert_eq!(found, of(if there { lane + 3 } else { lane }, there));
    }
    let found = shuffled("shfl.sync.idx.b32 %r1|%p1, %r2, 2, 0x1807, -1;");
    assert!((0..32).all(|lane| found[lane] == of(lane / 8 * 8 + 2, true)));
    let found = shuffled("shfl.sync.up.b32 %r1|%p1, %r2, 1, 0x1800, -1;");
    for (lane, found) in found.into_iter().enumerate() {
        let there = lane % 8 > 0;
        assert_eq!(found, of(if there { lane - 1 } else { lane }, there));
    }
}

#[test]
fn a_part_of_a_warp_may_act_together() {
    let body = "setp.lt.u32 %p1, %r0, 16; @!%p1 bra DONE;
        shfl.sync.bfly.b32 %r1, %r0, 1, 31, 0xffff; st.global.u32 [%rd1], %r1; DONE:";
    let found = run(body, 1, 32).unwrap();
    assert!((0..16).all(|lane| found[lane] == lane as u64 ^ 1));
    // Two halves, each with its mask, at one instruction.
    let body = "setp.lt.u32 %p1, %r0, 16; selp.b32 %b1, 0xffff, 0xffff0000, %p1;
        redux.sync.add.u32 %r1, %r0, %b1; st.global.u32 [%rd1], %r1;";
    let found = run(body, 1, 32).unwrap();
    assert!((0..32).all(|lane| found[lane] == if lane < 16 { 120 } else { 376 }));
}

#[test]
fn lanes_vote() {
    let body = "setp.lt.u32 %p1, %r0, 5; vote.sync.ballot.b32 %r1, %p1, -1;
        vote.sync.any.pred %p2, %p1, -1; vote.sync.all.pred %p3, !%p1, -1;
        vote.sync.uni.pred %p4, %p1, -1; selp.u32 %r2, 256, 0, %p2; selp.u32 %r3, 512, 0, %p3;
        selp.u32 %r4, 1024, 0, %p4; add.u32 %r1, %r1, %r2; add.u32 %r1, %r1, %r3;
        add.u32 %r1, %r1, %r4; st.global.u32 [%rd1], %r1;";
    assert_eq!(run(body, 1, 32).unwrap(), [31 + 256; 32]);
    // Lanes that do not exist do not vote.
    assert_eq!(run(body, 1, 3).unwrap(), [7 + 256 + 1024; 3]);
}

#[test]
fn lanes_find_their_like() {
    let body = "rem.u32 %r2, %r0, 3; match.any.sync.b32 %r1, %r2, -1; st.global.u32 [%rd1], %r1;";
    let found = run(body, 1, 6).unwrap();
    assert_eq!(
        found,
        [0b001001, 0b010010, 0b100100, 0b001001, 0b010010, 0b100100]
    );
    let body = "mov.u64 %rd2, 5; match.all.sync.b64 %r1|%p1, %rd2, -1; @%p1 add.u32 %r1, %r1, 64;
        st.global.u32 [%rd1], %r1;";
    assert_eq!(run(body, 1, 4).unwrap(), [15 + 64; 4]);
}

#[test]
fn lanes_reduce() {
    let all = |reduce: &str| {
        run(
            &format!("sub.u32 %r2, %r0, 3; {reduce} st.global.u32 [%rd1], %r1;"),
            1,
            32,
        )
        .unwrap()[9]
    };
    assert_eq!(all("redux.sync.add.s32 %r1, %r2, -1;"), 31 * 16 - 96);
    assert_eq!(
        all("redux.sync.min.s32 %r1, %r2, -1;"),
        u64::from(-3i32 as u32)
    );
    assert_eq!(all("redux.sync.min.u32 %r1, %r2, -1;"), 0);
    assert_eq!(all("redux.sync.max.s32 %r1, %r2, -1;"), 28);
    assert_eq!(all("redux.sync.or.b32 %r1, %r2, -1;"), u64::from(u32::MAX));
}

#[test]
fn lanes_that_are_named_must_be_there() {
    let body = "setp.lt.u32 %p1, %r0, 16; @%p1 shfl.sync.bfly.b32 %r1, %r0, 1, 31, -1;";
    let text = fault(body, 1, 32);
    assert!(
        text.contains("of the mask 0xffffffff, lanes 0xffff0000 are elsewhere"),
        "{text}"
    );
    let text = fault("vote.sync.ballot.b32 %r1, %p1, 0xf;", 1, 32);
    assert!(
        text.contains("a register never written") || text.contains("not in the mask"),
        "{text}"
    );
    let text = fault("redux.sync.add.u32 %r1, %r0, 0xf;", 1, 32);
    assert!(text.contains("thread (4, 0, 0)") && text.contains("not in the mask 0x0000000f"));
    // Lane 0 names lane 1, which names another one.
    let body = "setp.eq.u32 %p1, %r0, 1; selp.b32 %b1, 6, 7, %p1;
        redux.sync.add.u32 %r1, %r0, %b1;";
    assert!(fault(body, 1, 3).contains("not all lanes of the mask 0x00000007 name the same lanes"));
}

#[test]
fn a_lane_that_is_not_there_gives_nothing() {
    // Sixteen threads: lane 20 does not exist.
    let body = "shfl.sync.idx.b32 %r1, %r0, 20, 31, -1; st.global.u32 [%rd1], %r1;";
    assert!(fault(body, 1, 16).contains("never written, as what is stored"));
    let body = "shfl.sync.idx.b32 %r1|%p1, %r0, 20, 31, -1; setp.eq.u32 %p2, %r0, %r0;
        selp.u32 %r1, 4, %r1, %p2; st.global.u32 [%rd1], %r1;";
    assert_eq!(run(body, 1, 16).unwrap(), [4; 16]);
}

#[test]
fn types_are_checked() {
    assert!(refusal("shfl.bfly.b32 %r1, %r2, 1, 31;").contains("`.sync`"));
    assert!(refusal("shfl.sync.bfly.b64 %rd2, %rd3, 1, 31, -1;").contains("has `.b64`"));
    assert!(refusal("vote.sync.ballot.pred %p1, %p2, -1;").contains("has `.pred`"));
    assert!(refusal("redux.sync.and.u32 %r1, %r2, -1;").contains("has `.u32`"));
    assert_eq!(
        word("shfl.sync.idx.b32 %f1, 0f3f800000, 0, 31, 1; mov.b32 %r1, %f1;"),
        0x3f800000
    );
}
