use eyas_ptx_interpreter::{Cause, Launch, Limits, Memory, Module, launch};

use crate::run::{HEAD, run};

#[test]
fn every_thread_writes_its_index() {
    let found = run("st.global.u32 [%rd1], %r0;", 1, 100).unwrap();
    assert_eq!(found, (0..100).collect::<Vec<u64>>());
}

#[test]
fn grids_and_blocks_have_three_axes() {
    let text = format!(
        "{HEAD}.entry k(.param .u64 out) {{ .reg .u32 %r<20>; .reg .u64 %rd<4>;
        ld.param.u64 %rd0, [out];
        mov.u32 %r1, %tid.x; mov.u32 %r2, %tid.y; mov.u32 %r3, %tid.z;
        mov.u32 %r4, %ctaid.x; mov.u32 %r5, %ctaid.y; mov.u32 %r6, %ctaid.z;
        mov.u32 %r7, %ntid.x; mov.u32 %r8, %ntid.y; mov.u32 %r9, %ntid.z;
        mov.u32 %r10, %nctaid.x; mov.u32 %r11, %nctaid.y;
        mad.lo.u32 %r12, %r6, %r11, %r5; mad.lo.u32 %r12, %r12, %r10, %r4;
        mad.lo.u32 %r12, %r12, %r9, %r3; mad.lo.u32 %r12, %r12, %r8, %r2;
        mad.lo.u32 %r12, %r12, %r7, %r1; mul.wide.u32 %rd1, %r12, 4; add.u64 %rd1, %rd0, %rd1;
        st.global.u32 [%rd1], %r12; ret; }}"
    );
    let module = Module::parse(&text).unwrap();
    let mut memory = Memory::new();
    let count = 2 * 3 * 4 * 5 * 3 * 4;
    let out = memory.allocate(count * 4).unwrap();
    let shape = Launch {
        grid: [2, 3, 4],
        block: [5, 3, 4],
        shared: 0,
    };
    let entry = &module.entries()[0];
    let limits = Limits::default();
    let ran = launch(entry, &shape, &out.to_le_bytes(), &mut memory, &limits).unwrap();
    assert_eq!(ran.thread_instructions, count * 21);
    let mut bytes = vec![0; count as usize * 4];
    memory.read(out, &mut bytes).unwrap();
    let words = bytes
        .chunks(4)
        .map(|chunk| u32::from_le_bytes(chunk.try_into().unwrap()));
    assert!(words.eq(0..count as u32));
}

#[test]
fn a_launch_says_how_much_more_shared_memory_there_is() {
    let text = format!(
        "{HEAD}.extern .shared .align 16 .b8 more[]; .entry k() {{ .shared .u32 one;
        .reg .u32 %r<4>; mov.u32 %r1, more; mov.u32 %r2, 5; st.shared.u32 [%r1+60], %r2;
        ld.shared.u32 %r3, [more+60]; ret; }}"
    );
    let module = Module::parse(&text).unwrap();
    let run = |shared| {
        let shape = Launch {
            grid: [1; 3],
            block: [1; 3],
            shared,
        };
        let entry = &module.entries()[0];
        launch(entry, &shape, &[], &mut Memory::new(), &Limits::default())
    };
    assert!(run(76).is_ok());
    assert!(matches!(
        run(75).unwrap_err().cause,
        Cause::OutOfBounds { .. }
    ));
    assert!(
        run(1 << 20)
            .unwrap_err()
            .to_string()
            .contains("bytes of shared memory")
    );
}

#[test]
fn a_launch_must_fit_its_entry() {
    let text = format!(
        "{HEAD}.entry k(.param .u32 x) .maxntid 64 {{ ret; }}
        .entry exact() .reqntid 32, 2 {{ ret; }}"
    );
    let module = Module::parse(&text).unwrap();
    let run = |name: &str, grid, block, bytes: &[u8]| {
        let shape = Launch {
            grid,
            block,
            shared: 0,
        };
        let entry = module.entry(name).unwrap();
        let ran = launch(entry, &shape, bytes, &mut Memory::new(), &Limits::default());
        ran.map_err(|fault| fault.to_string())
    };
    assert!(run("k", [1; 3], [64, 1, 1], &[0; 4]).is_ok());
    let error = run("k", [1; 3], [65, 1, 1], &[0; 4]).unwrap_err();
    assert_eq!(
        error,
        "kernel `k`: a block of 65 threads, of which it takes 64 at most"
    );
    assert!(
        run("k", [1; 3], [1; 3], &[0; 8])
            .unwrap_err()
            .contains("8 bytes of parameters, not 4")
    );
    assert!(
        run("k", [0, 1, 1], [1; 3], &[0; 4])
            .unwrap_err()
            .contains("a grid of [0, 1, 1]")
    );
    assert!(
        run("k", [1; 3], [0, 1, 1], &[0; 4])
            .unwrap_err()
            .contains("a block of [0, 1, 1]")
    );
    assert!(run("exact", [1; 3], [32, 2, 1], &[]).is_ok());
    assert!(
        run("exact", [1; 3], [64, 1, 1], &[])
            .unwrap_err()
            .contains("not of [32, 2, 1]")
    );
}

#[test]
fn an_empty_body_returns() {
    let found = run("", 2, 3).unwrap();
    assert_eq!(found, [0; 6]);
}
