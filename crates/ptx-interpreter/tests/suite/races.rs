use crate::run::{fault, run};

const TILE: &str = ".shared .align 4 .b8 tile[1024]; mov.u32 %r2, tile; shl.b32 %r3, %r0, 2;
    add.u32 %r2, %r2, %r3;";

fn race(body: &str, block: u32) {
    let text = fault(&format!("{TILE} {body}"), 1, block);
    assert!(text.contains("races with a"), "{text}");
}

fn fine(body: &str, block: u32) {
    run(&format!("{TILE} {body}"), 1, block).unwrap_or_else(|fault| panic!("{fault}"));
}

#[test]
fn two_threads_do_not_write_one_place() {
    race("st.shared.u32 [tile], %r0;", 2);
    race("st.shared.u32 [tile], %r0;", 33);
    // Even the same value.
    race("mov.u32 %r4, 1; st.shared.u32 [tile], %r4;", 2);
    fine(
        "mov.u32 %r4, 1; setp.eq.u32 %p1, %r0, 0; @%p1 st.shared.u32 [tile], %r4;",
        2,
    );
}

#[test]
fn a_place_is_not_written_while_another_thread_reads_it() {
    let write = "st.shared.u32 [%r2], %r0;";
    race(
        &format!("{write} setp.eq.u32 %p1, %r0, 0; @%p1 ld.shared.u32 %r4, [%r2+4];"),
        2,
    );
    // The read comes first: who reads last does not hide who read before.
    race(
        &format!(
            "{write} bar.sync 0; ld.shared.u32 %r4, [tile]; setp.eq.u32 %p1, %r0, 1;
            @%p1 st.shared.u32 [tile], %r0;"
        ),
        2,
    );
    race(
        &format!(
            "{write} bar.sync 0; ld.shared.u32 %r4, [tile]; setp.eq.u32 %p1, %r0, 39;
            @%p1 st.shared.u32 [tile], %r0;"
        ),
        40,
    );
    fine(
        &format!(
            "{write} bar.sync 0; ld.shared.u32 %r4, [tile]; bar.sync 0;
            setp.eq.u32 %p1, %r0, 1; @%p1 st.shared.u32 [tile], %r0;"
        ),
        40,
    );
}

#[test]
fn a_thread_does_with_its_own_place_what_it_likes() {
    fine(
        "st.shared.u32 [%r2], %r0; ld.shared.u32 %r4, [%r2]; st.shared.u32 [%r2], %r4;",
        64,
    );
}

#[test]
fn neighbours_write_the_bytes_of_a_word() {
    let body = "mov.u32 %r4, tile; add.u32 %r4, %r4, %r0; st.shared.u8 [%r4], %r0;";
    fine(body, 64);
    fine(
        &format!("{body} bar.sync 0; ld.shared.u32 %r5, [tile];"),
        64,
    );
    race(&format!("{body} ld.shared.u32 %r5, [tile];"), 64);
}

#[test]
fn atomics_race_with_what_is_not_atomic() {
    let zero = "setp.eq.u32 %p1, %r0, 0; mov.u32 %r4, 0; @%p1 st.shared.u32 [tile], %r4;";
    let add = "red.shared.add.u32 [tile], 1;";
    race(&format!("{zero} {add}"), 2);
    fine(&format!("{zero} bar.sync 0; {add}"), 64);
    race(
        &format!("{zero} bar.sync 0; {add} @%p1 ld.shared.u32 %r5, [tile];"),
        64,
    );
    race(
        &format!("{zero} bar.sync 0; ld.shared.u32 %r5, [tile]; {add}"),
        64,
    );
    fine(
        &format!("{zero} bar.sync 0; {add} ld.volatile.shared.u32 %r5, [tile];"),
        64,
    );
    fine(
        &format!("{zero} bar.sync 0; {add} bar.sync 0; ld.shared.u32 %r5, [tile];"),
        64,
    );
}

#[test]
fn global_memory_has_races_too() {
    let text = fault("mov.u32 %r1, 1; st.global.u32 [%rd0], %r1;", 1, 2);
    assert!(text.contains("a write of global memory"), "{text}");
    let index = "mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mad.lo.u32 %r1, %r1, %r2, %r0;
        mul.wide.u32 %rd2, %r1, 8; add.u64 %rd2, %rd0, %rd2;";
    run(&format!("{index} st.global.u32 [%rd2], %r1;"), 4, 40).unwrap();
    // The second block writes what the first has written, or reads it.
    let text = fault("st.global.u32 [%rd1], %r0;", 2, 4);
    assert!(text.contains("block (1, 0, 0), thread (0, 0, 0)"), "{text}");
    assert!(
        text.contains("a write by block (0, 0, 0), thread (0, 0, 0)"),
        "{text}"
    );
    let text = fault(
        &format!("{index} st.global.u32 [%rd2], %r1; ld.global.u32 %r3, [%rd0];"),
        2,
        1,
    );
    assert!(
        text.contains("a read of global memory") && text.contains("a write by"),
        "{text}"
    );
    let last = "setp.eq.u32 %p1, %r1, 7; @%p1 st.global.u32 [%rd0], %r1;";
    let text = fault(&format!("{index} ld.global.u32 %r3, [%rd0]; {last}"), 2, 4);
    assert!(
        text.contains("a write of global memory") && text.contains("a read by"),
        "{text}"
    );
    let text = fault(
        &format!("{index} ld.global.u32 %r3, [%rd0]; bar.sync 0; {last}"),
        2,
        4,
    );
    assert!(text.contains("a read by"), "{text}");
}

#[test]
fn a_barrier_orders_global_memory_of_a_block() {
    let body = "st.global.u32 [%rd1], %r0; bar.sync 0; xor.b32 %r1, %r0, 32;
        mul.wide.u32 %rd2, %r1, 8; add.u64 %rd2, %rd0, %rd2; ld.global.u32 %r1, [%rd2];
        bar.sync 0; st.global.u32 [%rd1], %r1;";
    let found = run(body, 1, 64).unwrap();
    assert!(
        found
            .iter()
            .enumerate()
            .all(|(at, x)| *x as usize == at ^ 32)
    );
    for dropped in ["bar.sync 0; xor", "bar.sync 0; st"] {
        let body = body.replace(dropped, dropped.trim_start_matches("bar.sync 0; "));
        assert!(
            run(&body, 1, 64).unwrap_err().to_string().contains("races"),
            "{dropped}"
        );
    }
}

#[test]
fn a_launch_comes_after_the_one_before() {
    use eyas_ptx_interpreter::{Launch, Limits, Memory, launch};
    let module =
        crate::run::parse("ld.global.u32 %r1, [%rd1]; st.global.u32 [%rd1], %r1;").unwrap();
    let mut memory = Memory::new();
    let out = memory.allocate(80).unwrap();
    memory.fill(out, 0, 80).unwrap();
    let shape = Launch {
        grid: [1; 3],
        block: [10, 1, 1],
        shared: 0,
    };
    for _ in 0..3 {
        let entry = &module.entries()[0];
        launch(
            entry,
            &shape,
            &out.to_le_bytes(),
            &mut memory,
            &Limits::default(),
        )
        .unwrap();
    }
}
