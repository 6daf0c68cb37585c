use eyas_ptx_interpreter::{Launch, Limits, Memory, MemoryError, Module, launch};

use crate::run::{HEAD, fault, one, refusal, word};

#[test]
fn narrow_loads_are_extended() {
    let put = "mov.u32 %r2, 0x8081; st.global.u32 [%rd1], %r2;";
    assert_eq!(word(&format!("{put} ld.global.u8 %r1, [%rd1];")), 0x81);
    assert_eq!(
        word(&format!("{put} ld.global.s8 %r1, [%rd1+1];")),
        -128i32 as u32
    );
    assert_eq!(word(&format!("{put} ld.global.u16 %r1, [%rd1];")), 0x8081);
    assert_eq!(
        word(&format!("{put} ld.global.s16 %r1, [%rd1];")),
        0xffff_8081
    );
    assert_eq!(word(&format!("{put} ld.global.b8 %r1, [%rd1+1];")), 0x80);
    let wide = format!("{put} ld.global.s16 %rd2, [%rd1]; st.global.u64 [%rd1], %rd2;");
    assert_eq!(one(&wide), 0xffff_ffff_ffff_8081);
}

#[test]
fn narrow_stores_keep_the_low_bits() {
    let body = "mov.u32 %r2, 0x12345678; st.global.u8 [%rd1], %r2; st.global.u16 [%rd1+2], %r2;";
    assert_eq!(one(body), 0x5678_0078);
    assert_eq!(
        one("mov.b16 %h1, 0xabcd; st.global.b16 [%rd1+6], %h1;"),
        0xabcd << 48
    );
}

#[test]
fn vectors_are_side_by_side() {
    let body = "mov.u32 %r1, 1; mov.u32 %r2, 2; st.global.v2.u32 [%rd1], {%r1, %r2};
        ld.global.v2.u32 {%r3, _}, [%rd1]; st.global.u32 [%rd1+4], %r3;";
    assert_eq!(one(body), 0x1_0000_0001);
    let body = ".shared .align 16 .b8 tile[32]; mov.f32 %f1, 0f3f800000; mov.f32 %f2, 0f40000000;
        st.shared.v4.f32 [tile+16], {%f1, %f2, %f1, %f2};
        ld.shared.v4.b32 {%b1, %b2, %b3, %b4}, [tile+16]; mov.b32 %r1, %b4;";
    assert_eq!(word(body), 0x4000_0000);
}

#[test]
fn all_the_ways_to_say_load_are_known() {
    for load in [
        "ld.global.nc.u32",
        "ld.global.L1::no_allocate.L2::128B.u32",
        "ld.global.nc.L1::no_allocate.u32",
        "ld.global.cg.u32",
        "ld.weak.global.u32",
        "ld.volatile.global.u32",
        "ld.relaxed.gpu.global.u32",
        "ld.acquire.gpu.global.u32",
        "ld.u32",
    ] {
        assert_eq!(
            word(&format!("{load} %r1, [%rd1]; add.u32 %r1, %r1, 3;")),
            3,
            "{load}"
        );
    }
}

#[test]
fn accesses_out_of_bounds_are_caught() {
    let text = fault("st.global.u32 [%rd1+8], %r0;", 1, 1);
    assert!(
        text.contains("4 bytes of global memory at 0x10000000008 are not in use"),
        "{text}"
    );
    assert!(
        text.contains("the piece before has 8 bytes at 0x10000000000"),
        "{text}"
    );
    assert!(fault("ld.global.u32 %r1, [%rd1-4];", 1, 1).contains("nothing lies before it"));
    assert!(fault("ld.global.v2.u64 {%rd2, %rd3}, [%rd1];", 1, 1).contains("16 bytes"));
}

#[test]
fn accesses_of_shared_memory_stay_within_it() {
    let tile = ".shared .b32 tile[4]; mov.u32 %r1, 1;";
    let text = fault(&format!("{tile} st.shared.u32 [tile+16], %r1;"), 1, 1);
    assert!(text.contains("shared memory at 0x10 are not in use; the block has 16 bytes"));
    let text = fault(
        &format!("{tile} mov.u32 %r2, tile; st.shared.u32 [%r2-4], %r1;"),
        1,
        1,
    );
    assert!(text.contains("not in use"), "{text}");
}

#[test]
fn accesses_are_aligned_to_their_whole_width() {
    let text = fault("ld.global.u32 %r1, [%rd1+2];", 1, 1);
    assert!(text.contains("no multiple of 4"), "{text}");
    assert!(fault("ld.global.v2.u32 {%r1, %r2}, [%rd1+4];", 1, 2).contains("no multiple of 8"));
    let body = ".shared .align 16 .b32 tile[8]; ld.shared.v4.u32 {%r1, %r2, %r3, %r4}, [tile+8];";
    assert!(fault(body, 1, 1).contains("no multiple of 16"));
}

#[test]
fn what_was_never_written_is_not_read() {
    let text = fault(".shared .b32 tile[4]; ld.shared.u32 %r1, [tile+4];", 1, 1);
    assert!(text.contains("of 4 bytes of shared memory at 0x4 some were never written"));
    let body = ".shared .b32 tile; mov.u32 %r1, 1; st.shared.u8 [tile], %r1;
        ld.shared.u32 %r1, [tile];";
    assert!(fault(body, 1, 1).contains("some were never written"));
    // Each block begins with nothing.
    let body = ".shared .b32 tile; mov.u32 %r1, %ctaid.x; setp.eq.u32 %p1, %r1, 0;
        @%p1 st.shared.u32 [tile], %r1; ld.shared.u32 %r1, [tile];";
    assert!(fault(body, 2, 1).contains("block (1, 0, 0)"));
}

#[test]
fn freed_memory_is_gone() {
    let text = format!(
        "{HEAD}.entry k(.param .u64 x) {{ .reg .u64 %a; .reg .u32 %b;
        ld.param.u64 %a, [x]; ld.global.u32 %b, [%a]; ret; }}"
    );
    let module = Module::parse(&text).unwrap();
    let mut memory = Memory::new();
    let kept = memory.allocate(16).unwrap();
    let freed = memory.allocate(16).unwrap();
    let shape = Launch {
        grid: [1; 3],
        block: [1; 3],
        shared: 0,
    };
    let run = |memory: &mut Memory| {
        let entry = module.entry("k").unwrap();
        launch(
            entry,
            &shape,
            &freed.to_le_bytes(),
            memory,
            &Limits::default(),
        )
    };
    assert!(
        run(&mut memory)
            .unwrap_err()
            .to_string()
            .contains("never written")
    );
    memory.fill(freed, 7, 16).unwrap();
    assert_eq!(run(&mut memory).unwrap().thread_instructions, 3);
    memory.free(freed).unwrap();
    let text = run(&mut memory).unwrap_err().to_string();
    assert!(
        text.contains("not in use") && text.contains("16 bytes at"),
        "{text}"
    );
    assert_eq!(
        memory.free(freed),
        Err(MemoryError::NotReserved { address: freed })
    );
    memory.free(kept).unwrap();
    assert_eq!(memory.used(), 0);
}

#[test]
fn memory_is_reached_from_outside_with_the_same_care() {
    let mut memory = Memory::with_capacity(1 << 20);
    assert!(matches!(
        memory.allocate(2 << 20),
        Err(MemoryError::OutOfMemory { .. })
    ));
    let (a, b) = (memory.allocate(64).unwrap(), memory.allocate(64).unwrap());
    memory.write(a + 3, &[1, 2, 3]).unwrap();
    let mut bytes = [0; 3];
    memory.read(a + 3, &mut bytes).unwrap();
    assert_eq!(bytes, [1, 2, 3]);
    let hole = MemoryError::Uninitialised { address: a + 6 };
    assert_eq!(memory.read(a + 3, &mut [0; 4]), Err(hole));
    memory.copy(b, a, 64).unwrap();
    memory.read(b + 3, &mut bytes).unwrap();
    assert_eq!(bytes, [1, 2, 3]);
    let hole = MemoryError::Uninitialised { address: b + 6 };
    assert_eq!(memory.read(b + 3, &mut [0; 9]), Err(hole));
    let outside = MemoryError::OutOfBounds {
        address: a + 60,
        bytes: 5,
    };
    assert_eq!(memory.write(a + 60, &[0; 5]), Err(outside));
    assert!(memory.fill(a + 64, 0, 1).is_err() && memory.fill(a + 64, 0, 0).is_ok());
    let empty = memory.allocate(0).unwrap();
    assert!(empty != a && memory.read(empty, &mut []).is_ok());
    assert!(memory.read(empty, &mut [0]).is_err());
}

#[test]
fn types_and_places_are_checked() {
    assert!(refusal("ld.global.f32 %r1, [%rd1];").contains("`%r1` is a .u32, where a .f32"));
    assert!(refusal("ld.global.u64 %r1, [%rd1];").contains("`%r1` is a .u32, where a .u64"));
    assert!(refusal("ld.global.u32 %r1, [%r2];").contains("`%r2` is a .u32, which holds no"));
    assert!(refusal("ld.global.u32 %r1, [%f2];").contains("`%f2` is a .f32, which holds no"));
    assert!(refusal("ld.global.u32 {%r1, %r2}, [%rd1];").contains("should be 1 registers"));
    assert!(refusal("ld.global.v2.u32 %r1, [%rd1];").contains("should be 2 registers"));
    assert!(refusal("ld.global.v4.f64 {%d1, %d2, %d3, %d4}, [%rd1];").contains("16 bytes"));
    assert!(refusal("ld.shared.u32 %r1, [nowhere];").contains("`nowhere` is no register"));
    assert!(refusal("ld.param.u32 %r1, [nothing];").contains("no parameter `nothing`"));
    assert!(refusal("ld.param.u64 %rd2, [out+4];").contains("has no 8 bytes at 4"));
    assert!(refusal("st.param.u64 [out], %rd2;").contains("parameters are not written"));
    assert!(refusal("ld.global.u32 %r1, %rd1;").contains("no address in brackets"));
    assert!(refusal("st.global.nc.u32 [%rd1], %r1;").contains("has `.nc`"));
    assert!(refusal("ld.release.gpu.global.u32 %r1, [%rd1];").contains("has `.release`"));
}

#[test]
fn parameters_lie_at_multiples_of_their_size() {
    let text = format!(
        "{HEAD}.entry k(.param .u8 a, .param .u64 b, .param .u16 c,
        .param .align 16 .b8 d[20]) {{ ret; }}"
    );
    let module = Module::parse(&text).unwrap();
    let entry = module.entry("k").unwrap();
    let places: Vec<_> = entry
        .parameters()
        .iter()
        .map(|p| (p.name.as_str(), p.offset, p.bytes))
        .collect();
    assert_eq!(
        places,
        [("a", 0, 1), ("b", 8, 8), ("c", 16, 2), ("d", 32, 20)]
    );
    assert_eq!(entry.parameter_bytes(), 52);
}
