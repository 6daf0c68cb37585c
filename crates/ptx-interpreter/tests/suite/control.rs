use crate::run::{fault, refusal, run};

#[test]
fn both_sides_of_a_condition_run_and_meet() {
    let body = "and.b32 %r1, %r0, 1; setp.eq.u32 %p1, %r1, 0; @%p1 bra EVEN;
        mov.u32 %r2, 100; bra JOIN; EVEN: mov.u32 %r2, 200; JOIN: activemask.b32 %b1;
        popc.b32 %r3, %b1; add.u32 %r2, %r2, %r3; st.global.u32 [%rd1], %r2;";
    let found = run(body, 1, 32).unwrap();
    assert!(
        found
            .iter()
            .enumerate()
            .all(|(at, x)| *x == [232, 132][at % 2])
    );
}

#[test]
fn lanes_leave_a_loop_one_by_one_and_meet_behind_it() {
    let body = "mov.u32 %r1, 0; mov.u32 %r2, 0;
        NEXT: add.u32 %r2, %r2, %r1; add.u32 %r1, %r1, 1; setp.le.u32 %p1, %r1, %r0;
        @%p1 bra NEXT; activemask.b32 %b1; popc.b32 %r3, %b1; mad.lo.u32 %r2, %r3, 1000, %r2;
        st.global.u32 [%rd1], %r2;";
    let found = run(body, 1, 32).unwrap();
    assert!(
        found
            .iter()
            .enumerate()
            .all(|(at, x)| *x as usize == 32000 + at * (at + 1) / 2)
    );
}

#[test]
fn loops_with_conditions_and_breaks_nest() {
    // Steps of the Collatz problem from the thread's index plus 1, at most 50.
    let body = "add.u32 %r1, %r0, 1; mov.u32 %r2, 0;
        NEXT: setp.eq.u32 %p1, %r1, 1; @%p1 bra DONE; setp.ge.u32 %p2, %r2, 50; @%p2 bra DONE;
        and.b32 %r3, %r1, 1; setp.eq.u32 %p3, %r3, 0; @!%p3 bra ODD;
        shr.u32 %r1, %r1, 1; bra.uni STEP;
        ODD: mad.lo.u32 %r1, %r1, 3, 1;
        STEP: add.u32 %r2, %r2, 1; bra.uni NEXT;
        DONE: vote.sync.all.pred %p4, %p1, 0xffffffff; st.global.u32 [%rd1], %r2;";
    let steps = |thread: u64| {
        let (mut x, mut count) = (thread + 1, 0);
        while x != 1 && count < 50 {
            x = if x % 2 == 0 { x / 2 } else { 3 * x + 1 };
            count += 1;
        }
        count
    };
    let found = run(body, 1, 128).unwrap();
    assert!(
        found
            .iter()
            .enumerate()
            .all(|(at, x)| *x == steps(at as u64))
    );
}

#[test]
fn blocks_of_code_may_stand_in_any_order() {
    // What both sides come to stands before one of them.
    let body = "setp.lt.u32 %p1, %r0, 10; bra START;
        JOIN: shfl.sync.idx.b32 %r2, %r2, 0, 31, 0xffffffff; st.global.u32 [%rd1], %r2; ret;
        START: @%p1 bra LOW; mov.u32 %r2, 5; bra JOIN; LOW: mov.u32 %r2, 6; bra JOIN;";
    assert_eq!(run(body, 1, 32).unwrap(), [6; 32]);
}

#[test]
fn lanes_return_early() {
    let body = "setp.lt.u32 %p1, %r0, 10; @%p1 ret; mov.u32 %r1, 1; st.global.u32 [%rd1], %r1;
        setp.gt.u32 %p2, %r0, 20; @%p2 exit; mov.u32 %r1, 2; st.global.u32 [%rd1], %r1;";
    let found = run(body, 1, 32).unwrap();
    let wanted = |at| {
        if at < 10 {
            0
        } else if at > 20 {
            1
        } else {
            2
        }
    };
    assert!(found.iter().enumerate().all(|(at, x)| *x == wanted(at)));
}

#[test]
fn a_guard_keeps_lanes_from_any_instruction() {
    let body = "setp.ne.u32 %p1, %r0, 1; mov.u32 %r1, 7; @!%p1 mov.u32 %r1, 8;
        @%p1 st.global.u32 [%rd1], %r1;";
    assert_eq!(run(body, 1, 3).unwrap(), [7, 0, 7]);
}

#[test]
fn what_never_ends_is_stopped() {
    assert!(fault("L: bra L;", 1, 1).contains("more than 10000000 instructions"));
}

#[test]
fn a_branch_that_says_so_is_uniform() {
    let body = "setp.lt.u32 %p1, %r0, 3; @%p1 bra.uni L; L:";
    assert!(run(body, 1, 3).is_ok());
    assert!(fault(body, 1, 4).contains("lanes part at a branch that says that they do not"));
}

#[test]
fn a_trap_is_a_fault() {
    assert!(fault("setp.eq.u32 %p1, %r0, 2; @%p1 trap;", 1, 4).contains("thread (2, 0, 0)"));
    assert!(run("setp.eq.u32 %p1, %r0, 9; @%p1 trap;", 1, 4).is_ok());
}

#[test]
fn targets_are_checked() {
    assert!(refusal("bra NOWHERE;").contains("no label `NOWHERE`"));
    assert!(refusal("L: L: bra L;").contains("two labels `L`"));
    assert!(refusal("@%r1 bra L; L:").contains("`%r1` is a .u32, where a .pred"));
}
