//! Copies that go on by themselves, and matrices spread over a warp.

use eyas_ptx_interpreter::{Fault, Launch, Limits, Memory, Module, launch};

use crate::run::{HEAD, refusal};

/// One warp multiplies 16 by 8 results over steps of 16, both factors staged in shared memory, two
/// steps at once.
fn staged() -> String {
    format!(
        "{HEAD}.visible .entry k(.param .u64 pa, .param .u64 pb, .param .u64 pd, .param .u32 kt)
.maxntid 32, 1, 1
{{
  .reg .pred %p<4>; .reg .b32 %r<40>; .reg .f32 %f<8>; .reg .b64 %rd<24>;
  .shared .align 128 .b8 sa[1024];
  .shared .align 128 .b8 sb[512];
  ld.param.u64 %rd1, [pa]; ld.param.u64 %rd2, [pb]; ld.param.u64 %rd3, [pd];
  ld.param.u32 %r30, [kt]; mov.u32 %r1, %tid.x; mov.u32 %r2, sa; mov.u32 %r3, sb;
  shl.b32 %r4, %r1, 4; cvt.u64.u32 %rd4, %r4;
  add.u32 %r5, %r2, %r4; add.s64 %rd5, %rd1, %rd4;
  setp.lt.u32 %p1, %r1, 16; add.u32 %r6, %r3, %r4; add.s64 %rd6, %rd2, %rd4;
  mov.f32 %f0, 0f00000000; mov.f32 %f1, %f0; mov.f32 %f2, %f0; mov.f32 %f3, %f0;
  cp.async.cg.shared.global [%r5], [%rd5], 16;
  @%p1 cp.async.cg.shared.global [%r6], [%rd6], 16;
  cp.async.commit_group;
  mov.u32 %r31, 0;
LOOP:
  add.u32 %r32, %r31, 1; setp.ge.u32 %p2, %r32, %r30; @%p2 bra LAST;
  and.b32 %r33, %r32, 1; shl.b32 %r34, %r33, 9; add.u32 %r35, %r5, %r34;
  add.s64 %rd5, %rd5, 512;
  shl.b32 %r36, %r33, 8; add.u32 %r37, %r6, %r36; add.s64 %rd6, %rd6, 256;
  cp.async.cg.shared.global.L2::128B [%r35], [%rd5], 16;
  @%p1 cp.async.cg.shared.global [%r37], [%rd6], 16;
LAST:
  cp.async.commit_group; cp.async.wait_group 1; bar.sync 0;
  and.b32 %r7, %r31, 1; shl.b32 %r8, %r7, 9; shl.b32 %r9, %r7, 8;
  and.b32 %r10, %r1, 15; shl.b32 %r11, %r10, 5; shr.u32 %r12, %r1, 4; shl.b32 %r13, %r12, 4;
  add.u32 %r14, %r2, %r8; add.u32 %r14, %r14, %r11; add.u32 %r14, %r14, %r13;
  ldmatrix.sync.aligned.m8n8.x4.shared.b16 {{%r16, %r17, %r18, %r19}}, [%r14];
  shl.b32 %r15, %r10, 4; add.u32 %r20, %r3, %r9; add.u32 %r20, %r20, %r15;
  ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {{%r21, %r22}}, [%r20];
  mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {{%f0, %f1, %f2, %f3}},
    {{%r16, %r17, %r18, %r19}}, {{%r21, %r22}}, {{%f0, %f1, %f2, %f3}};
  bar.sync 0;
  add.u32 %r31, %r31, 1; setp.lt.u32 %p3, %r31, %r30; @%p3 bra LOOP;
  shr.u32 %r23, %r1, 2; and.b32 %r24, %r1, 3; mul.lo.u32 %r25, %r23, 8; shl.b32 %r26, %r24, 1;
  add.u32 %r25, %r25, %r26; mul.wide.u32 %rd7, %r25, 4; add.s64 %rd8, %rd3, %rd7;
  st.global.v2.f32 [%rd8], {{%f0, %f1}}; st.global.v2.f32 [%rd8+256], {{%f2, %f3}};
  ret;
}}"
    )
}

/// What the kernel leaves, and what it should, of small numbers whose sums are exact.
fn multiply(text: &str) -> Result<(Vec<f32>, Vec<f32>), Fault> {
    let steps = 5;
    let number = |at: usize| ((at * 7 + at / 11) % 13) as f32 - 6.0;
    let bits = |x: f32| ((x.to_bits() >> 16) as u16).to_le_bytes();
    let a: Vec<f32> = (0..steps * 256).map(number).collect();
    let b: Vec<f32> = (0..steps * 128).map(|at| number(at + 5)).collect();
    let module = Module::parse(text).unwrap_or_else(|error| panic!("{error}"));
    let mut memory = Memory::new();
    let mut parameters = Vec::new();
    for numbers in [&a, &b] {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| bits(*x)).collect();
        let address = memory.allocate(bytes.len() as u64).unwrap();
        memory.write(address, &bytes).unwrap();
        parameters.extend(address.to_le_bytes());
    }
    let result = memory.allocate(512).unwrap();
    parameters.extend(result.to_le_bytes());
    parameters.extend((steps as u32).to_le_bytes());
    let shape = Launch {
        grid: [1; 3],
        block: [32, 1, 1],
        shared: 0,
    };
    launch(
        &module.entries()[0],
        &shape,
        &parameters,
        &mut memory,
        &Limits::default(),
    )?;
    let mut bytes = vec![0; 512];
    memory.read(result, &mut bytes).unwrap();
    let found = bytes
        .chunks(4)
        .map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap()));
    let wanted = (0..128).map(|at| {
        let (row, column) = (at / 8, at % 8);
        let places = (0..steps).flat_map(|step| (0..16).map(move |k| (step, k)));
        places
            .map(|(s, k)| a[s * 256 + row * 16 + k] * b[s * 128 + k * 8 + column])
            .sum()
    });
    Ok((found.collect(), wanted.collect()))
}

#[test]
fn staged_matrices_are_multiplied() {
    let (found, wanted) = multiply(&staged()).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(found, wanted);
}

#[test]
fn a_copy_that_is_not_waited_for_is_not_there() {
    let text = staged();
    let late = text.replace("wait_group 1", "wait_group 2");
    let fault = multiply(&late).unwrap_err().to_string();
    assert!(fault.contains("some were never written"), "{fault}");
    // Waited for by its thread, but the others do not know.
    let alone = text.replace(
        "cp.async.wait_group 1; bar.sync 0;",
        "cp.async.wait_group 1;",
    );
    assert!(
        multiply(&alone)
            .unwrap_err()
            .to_string()
            .contains("races with a write by")
    );
    // The next step's copies come while others still read.
    let early = text.replace("  bar.sync 0;\n  add.u32 %r31", "  add.u32 %r31");
    assert!(
        multiply(&early)
            .unwrap_err()
            .to_string()
            .contains("races with a read by")
    );
}

#[test]
fn parts_of_copies_become_zeros() {
    let text = format!(
        "{HEAD}.entry k(.param .u64 in, .param .u64 out) {{ .shared .align 16 .b8 tile[16];
        .reg .u64 %a<3>; .reg .u32 %r<4>; ld.param.u64 %a1, [in]; ld.param.u64 %a2, [out];
        mov.u32 %r1, 6; cp.async.ca.shared.global [tile], [%a1], 16, %r1; cp.async.wait_all;
        ld.shared.v2.u32 {{%r2, %r3}}, [tile]; st.global.v2.u32 [%a2], {{%r2, %r3}}; ret; }}"
    );
    let module = Module::parse(&text).unwrap();
    let mut memory = Memory::new();
    let [from, to] = [6, 8].map(|bytes| memory.allocate(bytes).unwrap());
    memory.write(from, &[1, 2, 3, 4, 5, 6]).unwrap();
    let parameters = [from.to_le_bytes(), to.to_le_bytes()].concat();
    let shape = Launch {
        grid: [1; 3],
        block: [1; 3],
        shared: 0,
    };
    launch(
        &module.entries()[0],
        &shape,
        &parameters,
        &mut memory,
        &Limits::default(),
    )
    .unwrap();
    let mut bytes = [9; 8];
    memory.read(to, &mut bytes).unwrap();
    assert_eq!(bytes, [1, 2, 3, 4, 5, 6, 0, 0]);
}

#[test]
fn bytes_are_multiplied_as_integers() {
    // Every left byte is 2 in row 0 and 3 elsewhere; every right one is -1.
    let text = format!(
        "{HEAD}.entry k(.param .u64 out) {{ .reg .u64 %a<3>; .reg .u32 %t; .reg .pred %p;
        .reg .b32 %l<3>; .reg .s32 %s<5>; ld.param.u64 %a1, [out]; mov.u32 %t, %tid.x;
        setp.lt.u32 %p, %t, 4; selp.b32 %l1, 0x02020202, 0x03030303, %p;
        mov.b32 %l2, 0x03030303; mov.b32 %l0, 0xffffffff; mov.s32 %s1, 10;
        mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {{%s1, %s2, %s3, %s4}},
        {{%l1, %l2, %l1, %l2}}, {{%l0, %l0}}, {{%s1, %s1, %s1, %s1}};
        mad.wide.u32 %a2, %t, 16, %a1; st.global.v4.s32 [%a2], {{%s1, %s2, %s3, %s4}}; ret; }}"
    );
    let module = Module::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    let mut memory = Memory::new();
    let out = memory.allocate(512).unwrap();
    let run = |threads, memory: &mut Memory| {
        let shape = Launch {
            grid: [1; 3],
            block: [threads, 1, 1],
            shared: 0,
        };
        launch(
            &module.entries()[0],
            &shape,
            &out.to_le_bytes(),
            memory,
            &Limits::default(),
        )
    };
    run(32, &mut memory).unwrap();
    let mut bytes = [0; 512];
    memory.read(out, &mut bytes).unwrap();
    for (at, chunk) in bytes.chunks(4).enumerate() {
        let (lane, part) = (at / 4, at % 4);
        let left = if lane < 4 && part < 2 { 2 } else { 3 };
        assert_eq!(
            i32::from_le_bytes(chunk.try_into().unwrap()),
            10 - 32 * left
        );
    }
    let fault = run(16, &mut memory).unwrap_err().to_string();
    assert!(fault.contains("all lanes of the warp must be here, not 0x0000ffff alone"));
}

#[test]
fn types_and_sizes_are_checked() {
    assert!(refusal("cp.async.cg.shared.global [%r1], [%rd1], 4;").contains("not copy 4 bytes"));
    assert!(refusal("cp.async.ca.shared.global [%r1], [%r2], 4;").contains("holds no address"));
    assert!(refusal("cp.async.wait_group %r1;").contains("should be a number"));
    assert!(refusal("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r1}, [%r2];").contains("2 regi"));
    let mma = "mma.sync.aligned.m16n8k16.row.col.f32.f16.bf16.f32 {%f1}, {%r1}, {%r2}, {%f1};";
    assert!(refusal(mma).contains("floats of one type"));
    let mma = "mma.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32 {%f1}, {%r1}, {%r2}, {%f1};";
    assert!(refusal(mma).contains("no sums of .f32 with 32 products"));
}
