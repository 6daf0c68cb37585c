//! The last block combines what all blocks wrote.

use eyas_ptx_interpreter::{Fault, Launch, Limits, Memory, Module, launch};

use crate::run::HEAD;

/// Every thread of four blocks writes; the last block adds all up. `%s` stands for the fences.
fn combine(release: &str, acquire: &str, meet: &str) -> Result<u32, Fault> {
    let text = format!(
        "{HEAD}.entry k(.param .u64 partial, .param .u64 count, .param .u64 out)\n{{
        .reg .pred %p<4>; .reg .u32 %r<9>; .reg .u64 %rd<9>; .shared .u32 last;
        ld.param.u64 %rd1, [partial]; ld.param.u64 %rd2, [count]; ld.param.u64 %rd3, [out];
        mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r3, %r2, 64, %r1;
        mul.wide.u32 %rd4, %r3, 4; add.u64 %rd4, %rd1, %rd4; st.global.u32 [%rd4], %r3;
        {release}
        setp.ne.u32 %p1, %r1, 0; @%p1 bra WAIT;
        atom.global.add.u32 %r4, [%rd2], 1;
        st.shared.u32 [last], %r4;
        {acquire}
        WAIT: {meet}
        ld.shared.u32 %r4, [last]; setp.ne.u32 %p2, %r4, 3; @%p2 bra DONE;
        setp.ne.u32 %p3, %r1, 33; @%p3 bra DONE;
        mov.u32 %r5, 0; mov.u32 %r6, 0;
        NEXT: mul.wide.u32 %rd5, %r6, 4; add.u64 %rd5, %rd1, %rd5; ld.global.u32 %r7, [%rd5];
        add.u32 %r5, %r5, %r7; add.u32 %r6, %r6, 1; setp.lt.u32 %p3, %r6, 256; @%p3 bra NEXT;
        st.global.u32 [%rd3], %r5; mov.u32 %r7, 0; st.global.u32 [%rd2], %r7;
        DONE: ret; }}"
    );
    let module = Module::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    let mut memory = Memory::new();
    let [partial, count, out] = [1024, 4, 4].map(|bytes| memory.allocate(bytes).unwrap());
    memory.fill(count, 0, 4).unwrap();
    let parameters: Vec<u8> = [partial, count, out]
        .iter()
        .flat_map(|address| address.to_le_bytes())
        .collect();
    let shape = Launch {
        grid: [4, 1, 1],
        block: [64, 1, 1],
        shared: 0,
    };
    launch(
        &module.entries()[0],
        &shape,
        &parameters,
        &mut memory,
        &Limits::default(),
    )?;
    let mut bytes = [0; 4];
    memory.read(out, &mut bytes).unwrap();
    Ok(u32::from_le_bytes(bytes))
}

const SUM: u32 = 255 * 128;

#[test]
fn fences_around_an_atomic_hand_over() {
    let fence = "fence.acq_rel.gpu;";
    // The block meets, then one thread publishes for all.
    assert_eq!(
        combine("bar.sync 0; fence.acq_rel.gpu;", fence, "bar.sync 0;").unwrap(),
        SUM
    );
    // Every thread has a fence of its own, and then the block meets.
    assert_eq!(
        combine("membar.gl; bar.sync 0;", fence, "bar.sync 0;").unwrap(),
        SUM
    );
    // The reader has one of its own too.
    let all = "bar.sync 0; membar.gl;";
    assert_eq!(
        combine("membar.gl; bar.sync 0; membar.gl;", fence, all).unwrap(),
        SUM
    );
}

#[test]
fn a_missing_fence_is_caught() {
    let fence = "fence.acq_rel.gpu;";
    let race = |release, acquire, meet| {
        let fault = combine(release, acquire, meet).unwrap_err().to_string();
        assert!(fault.contains("races with a"), "{fault}");
    };
    race("bar.sync 0;", fence, "bar.sync 0;");
    race("bar.sync 0; fence.acq_rel.gpu;", "", "bar.sync 0;");
    race("bar.sync 0; fence.acq_rel.cta;", fence, "bar.sync 0;");
    // Thread 0 publishes what others may not have written yet.
    race("fence.acq_rel.gpu;", fence, "bar.sync 0;");
    let fault = combine("bar.sync 0; fence.acq_rel.gpu;", fence, "")
        .unwrap_err()
        .to_string();
    assert!(fault.contains("some were never written"), "{fault}");
}

#[test]
fn atomics_with_fences_in_them_hand_over() {
    let text = format!(
        "{HEAD}.entry k(.param .u64 cell, .param .u64 flag) {{
        .reg .pred %p<2>; .reg .u32 %r<9>; .reg .u64 %rd<9>;
        ld.param.u64 %rd1, [cell]; ld.param.u64 %rd2, [flag]; mov.u32 %r1, %ctaid.x;
        setp.eq.u32 %p0, %r1, 0; @!%p0 bra READ;
        mov.u32 %r2, 7; st.global.u32 [%rd1], %r2; st.RELEASE.global.u32 [%rd2], %r2; ret;
        READ: ld.ACQUIRE.global.u32 %r3, [%rd2]; ld.global.u32 %r4, [%rd1]; ret; }}"
    );
    let run = |release: &str, acquire: &str| {
        let text = text.replace("RELEASE", release).replace("ACQUIRE", acquire);
        let module = Module::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        let mut memory = Memory::new();
        let [cell, flag] = [4, 4].map(|bytes| memory.allocate(bytes).unwrap());
        let parameters: Vec<u8> = [cell, flag]
            .iter()
            .flat_map(|address| address.to_le_bytes())
            .collect();
        let shape = Launch {
            grid: [2, 1, 1],
            block: [1, 1, 1],
            shared: 0,
        };
        launch(
            &module.entries()[0],
            &shape,
            &parameters,
            &mut memory,
            &Limits::default(),
        )
    };
    run("release.gpu", "acquire.gpu").unwrap_or_else(|fault| panic!("{fault}"));
    assert!(run("relaxed.gpu", "acquire.gpu").is_err());
    assert!(run("release.gpu", "relaxed.gpu").is_err());
    assert!(run("weak", "weak").is_err());
}
