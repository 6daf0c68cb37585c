use crate::run::{fault, refusal, run};

const TILE: &str = ".shared .u32 tile[256]; mov.u32 %r2, tile; shl.b32 %r3, %r0, 2;
    add.u32 %r2, %r2, %r3;";

#[test]
fn what_is_written_before_a_barrier_is_read_behind_it() {
    let body = format!(
        "{TILE} st.shared.u32 [%r2], %r0; bar.sync 0; sub.u32 %r4, 127, %r0; shl.b32 %r4, %r4, 2;
        mov.u32 %r5, tile; add.u32 %r4, %r5, %r4; ld.shared.u32 %r1, [%r4];
        st.global.u32 [%rd1], %r1;"
    );
    let found = run(&body, 1, 128).unwrap();
    assert!(
        found
            .iter()
            .enumerate()
            .all(|(at, x)| *x as usize == 127 - at)
    );
    let other = body.replace("bar.sync 0", "barrier.sync.aligned 3, 128");
    assert_eq!(run(&other, 1, 128).unwrap(), found);
}

#[test]
fn a_loop_may_hold_barriers() {
    // Sums by halves.
    let body = format!(
        "{TILE} st.shared.u32 [%r2], %r0; mov.u32 %r4, 64;
        NEXT: bar.sync 0; setp.ge.u32 %p1, %r0, %r4; @%p1 bra SKIP;
        shl.b32 %r5, %r4, 2; add.u32 %r5, %r2, %r5; ld.shared.u32 %r6, [%r5];
        ld.shared.u32 %r7, [%r2]; add.u32 %r7, %r7, %r6; st.shared.u32 [%r2], %r7;
        SKIP: shr.u32 %r4, %r4, 1; setp.ne.u32 %p2, %r4, 0; @%p2 bra NEXT;
        bar.sync 0; ld.shared.u32 %r1, [tile]; st.global.u32 [%rd1], %r1;"
    );
    assert_eq!(run(&body, 1, 128).unwrap(), [127 * 64; 128]);
}

#[test]
fn lanes_of_a_warp_meet_by_themselves() {
    let body = format!(
        "{TILE} st.shared.u32 [%r2], %r0; bar.warp.sync 0xffffffff; xor.b32 %r4, %r3, 4;
        mov.u32 %r5, tile; add.u32 %r4, %r5, %r4; ld.shared.u32 %r1, [%r4];
        st.global.u32 [%rd1], %r1;"
    );
    let found = run(&body, 1, 64).unwrap();
    assert!(
        found
            .iter()
            .enumerate()
            .all(|(at, x)| *x as usize == at ^ 1)
    );
    // Which orders nothing between warps.
    let text = fault(
        &body.replace("xor.b32 %r4, %r3, 4", "and.b32 %r4, %r3, 4"),
        1,
        64,
    );
    assert!(text.contains("races with a write by"), "{text}");
}

#[test]
fn some_warps_may_meet_without_the_others() {
    // The first warp hands over to the second; the third does not care.
    let body = format!(
        "{TILE} shr.u32 %r4, %r0, 5; setp.eq.u32 %p1, %r4, 0; setp.eq.u32 %p2, %r4, 1;
        @%p1 st.shared.u32 [%r2], %r0; @%p1 bar.arrive 1, 64; @!%p2 bra DONE; bar.sync 1, 64;
        ld.shared.u32 %r1, [%r2-128]; st.global.u32 [%rd1], %r1; DONE:"
    );
    let found = run(&body, 1, 96).unwrap();
    assert!((32..64).all(|at| found[at] as usize == at - 32));
    let other = body.replace(
        "@%p1 bar.arrive 1, 64; @!%p2 bra DONE; bar.sync 1, 64;",
        "bar.warp.sync -1; @!%p2 bra DONE;",
    );
    let text = fault(&other, 1, 96);
    assert!(text.contains("races with"), "{text}");
}

#[test]
fn a_barrier_that_some_lanes_miss_is_caught() {
    let text = fault("setp.lt.u32 %p1, %r0, 7; @%p1 bar.sync 0;", 1, 32);
    assert!(
        text.contains("while lanes 0xffffff80 of the warp are elsewhere"),
        "{text}"
    );
    let text = fault("setp.lt.u32 %p1, %r0, 7; @%p1 ret; bar.sync 0;", 1, 32);
    assert!(
        text.contains("when lanes 0x0000007f of the warp have ended"),
        "{text}"
    );
}

#[test]
fn a_barrier_that_some_warps_miss_is_caught() {
    let text = fault(
        "setp.lt.u32 %p1, %r0, 32; @%p1 bra DONE; bar.sync 0; DONE:",
        1,
        64,
    );
    assert!(
        text.contains("barrier 0 waits for ever: 1 of 2 warps came, 1 have ended"),
        "{text}"
    );
    assert!(
        text.contains("thread (32, 0, 0)") && text.contains("bar.sync 0"),
        "{text}"
    );
    let body = "setp.lt.u32 %p1, %r0, 32; @%p1 bra A; bar.sync 0; bra B; A: bar.sync 1; B:";
    let text = fault(body, 1, 64);
    assert!(
        text.contains("1 of 2 warps came, 0 have ended, 1 wait elsewhere"),
        "{text}"
    );
}

#[test]
fn a_barrier_says_what_makes_sense() {
    assert!(fault("bar.sync 0, 48;", 1, 64).contains("a barrier of 48 threads"));
    assert!(fault("bar.sync 0, 128;", 1, 64).contains("a barrier of 128 threads"));
    assert!(fault("and.b32 %r1, %r0, 1; bar.sync %r1;", 1, 32).contains("not the same in all"));
    assert!(refusal("bar.sync 16;").contains("less than 16"));
    assert!(refusal("bar.sync;").contains("a barrier has a number"));
    assert!(refusal("bar.arrive 0;").contains("a barrier has a number"));
}
