use crate::run::{fault, run};

#[test]
fn what_was_never_written_does_not_reach_memory() {
    assert!(fault("st.global.u32 [%rd1], %r1;", 1, 1).contains("never written, as what is stored"));
    assert!(fault("st.global.u32 [%rd5], %r0;", 1, 1).contains("never written, as an address"));
    assert!(fault("ld.global.u32 %r1, [%rd5];", 1, 1).contains("never written, as an address"));
    assert!(fault("red.global.add.u32 [%rd1], %r1;", 1, 1).contains("as what is stored"));
}

#[test]
fn what_was_never_written_does_not_decide() {
    assert!(fault("@%p1 bra L; L:", 1, 1).contains("never written, as a condition"));
    assert!(fault("@%p1 mov.u32 %r1, 3;", 1, 1).contains("never written, as a condition"));
    assert!(fault("setp.eq.u32 %p1, %r1, 3; @%p1 bra L; L:", 1, 1).contains("as a condition"));
    assert!(fault("redux.sync.add.u32 %r1, %r0, %r2;", 1, 1).contains("as a mask of lanes"));
}

#[test]
fn results_of_what_was_never_written_are_nothing_either() {
    for instructions in [
        "add.u32 %r1, %r2, 1;",
        "mad.lo.u32 %r1, %r0, %r0, %r2;",
        "cvt.rzi.u32.f32 %r1, %f1;",
        "fma.rn.f32 %f1, %f2, %f2, 0f00000000; mov.b32 %r1, %f1;",
        "mov.b32 %r1, {%h1, %h2};",
        "bfi.b32 %r1, %r0, %r0, %r2, 1;",
        "selp.u32 %r1, %r0, %r0, %p1;",
        "shfl.sync.idx.b32 %r1, %r2, 0, 31, -1;",
        "vote.sync.ballot.b32 %r1, %p1, -1;",
        "redux.sync.add.u32 %r1, %r2, -1;",
    ] {
        let body = format!("{instructions} st.global.u32 [%rd1], %r1;");
        assert!(
            fault(&body, 1, 32).contains("never written"),
            "{instructions}"
        );
    }
}

#[test]
fn each_lane_counts_by_itself() {
    let body = "setp.lt.u32 %p1, %r0, 3; @%p1 mov.u32 %r1, 5; @%p1 st.global.u32 [%rd1], %r1;";
    assert_eq!(run(body, 1, 4).unwrap(), [5, 5, 5, 0]);
    let body = "setp.lt.u32 %p1, %r0, 3; @%p1 mov.u32 %r1, 5; st.global.u32 [%rd1], %r1;";
    assert!(fault(body, 1, 4).contains("thread (3, 0, 0)"));
    let body = "setp.lt.u32 %p1, %r0, 3; @%p1 mov.u32 %r1, 5; add.u32 %r1, %r1, 1;
        selp.u32 %r1, %r1, 9, %p1; st.global.u32 [%rd1], %r1;";
    assert_eq!(run(body, 1, 4).unwrap(), [6, 6, 6, 9]);
}

#[test]
fn a_block_begins_with_registers_that_hold_nothing() {
    let body = "mov.u32 %r2, %ctaid.x; setp.eq.u32 %p1, %r2, 0; @%p1 mov.u32 %r1, 5;
        mul.wide.u32 %rd2, %r2, 8; add.u64 %rd2, %rd0, %rd2; st.global.u32 [%rd2], %r1;";
    assert!(fault(body, 2, 1).contains("block (1, 0, 0)"));
}
