//! The kernels by hand as PTX: code for GPUs beside a kernel set's code for this machine.

use eyas_plan::{Code, CudaArchitecture, Function, Grid, Machine};
use eyas_runtime::{KernelSetParts, TargetCode};
use eyas_tensor::Dim;

const HEADER: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

/// Threads of a block.
const THREADS: u32 = 32;

/// The parts with code for GPUs alone.
pub fn for_gpus(mut parts: KernelSetParts) -> KernelSetParts {
    let target = on_gpu(&parts);
    parts.symbols.push("V".to_owned());
    parts.targets = vec![target];
    parts
}

/// The parts with code for GPUs too.
pub fn for_both(mut parts: KernelSetParts) -> KernelSetParts {
    let target = on_gpu(&parts);
    parts.symbols.push("V".to_owned());
    parts.targets.push(target);
    parts
}

/// The first target's plans, with PTX for its functions.
pub fn on_gpu(parts: &KernelSetParts) -> TargetCode {
    let target = &parts.targets[0];
    let mut text = HEADER.to_owned();
    let functions = target.code.functions.iter().enumerate();
    let functions = functions.map(|(number, function)| kernel(number, function, &mut text));
    let functions = functions.collect();
    TargetCode {
        machine: Machine::Cuda(CudaArchitecture::Sm80),
        code: Code {
            bytes: text.into_bytes(),
            functions,
        },
        ..target.clone()
    }
}

/// Appends the entry that does what the function does, by the last part of its name.
fn kernel(number: usize, function: &Function, text: &mut String) -> Function {
    let entry = format!("k{number}");
    let (_, kind) = function.name.rsplit_once('.').unwrap();
    let own = match kind {
        "add" => pointwise(&entry, 3, false, ADD),
        "copy" => pointwise(&entry, 2, true, COPY),
        "gather" => gather(&entry),
        "less" => less(&entry),
        "stray" => pointwise(&entry, 2, false, STRAY),
        "fail" => "\u{20}.visible .nonsense".to_owned(),
        other => panic!("there is no PTX for `{other}`"),
    };
    let offset = text.len();
    text.push_str(&own);
    let units = &function.units;
    let mut dims = function.dims.clone();
    if kind != "less" {
        dims.push(units.clone());
    }
    Function {
        offset,
        size: own.len(),
        dims,
        units: format!("({units} + 31) // 32").parse::<Dim>().unwrap(),
        grid: Some(Grid {
            entry,
            threads: THREADS,
            shared: 0,
            checks: kind == "gather",
            cleared: match kind {
                "copy" => function.scratch.clone(),
                _ => Dim::from(0),
            },
        }),
        ..function.clone()
    }
}

/// `x` and `y` are at `%x` and `%y`, where there is to be written at `%out`.
const ADD: &str = "\
  ld.global.f32 %f0, [%a0];
  ld.global.f32 %f1, [%a1];
  add.rn.f32 %f2, %f0, %f1;
  st.global.f32 [%a2], %f2;
";

/// Adds what lies in the scratch memory, and leaves something behind there.
const COPY: &str = "\
  ld.global.f32 %f0, [%a0];
  ld.global.f32 %f1, [%a2];
  add.rn.f32 %f2, %f0, %f1;
  st.global.f32 [%a2], %f0;
  st.global.f32 [%a1], %f2;
";

/// Writes far from where it may.
const STRAY: &str = "\
  ld.global.f32 %f0, [%a0];
  add.u64 %a1, %a1, 1073741824;
  st.global.f32 [%a1], %f0;
";

/// A kernel whose thread has one element of each argument, of f32.
fn pointwise(entry: &str, arguments: usize, scratch: bool, body: &str) -> String {
    let pointers = arguments + usize::from(scratch);
    let parameters = (0..pointers).map(|number| format!(".param .u64 {entry}_{number}, "));
    let parameters: String = parameters.collect();
    let loads = (0..pointers).map(|number| {
        format!(
            "  ld.param.u64 %a{number}, [{entry}_{number}];\n  add.u64 %a{number}, %a{number}, %d0;\n"
        )
    });
    let loads: String = loads.collect();
    format!(
        "
.visible .entry {entry}({parameters}.param .s64 {entry}_n)
{{
  .reg .pred %p<2>;
  .reg .u32 %r<4>;
  .reg .s64 %i<2>;
  .reg .u64 %a<4>;
  .reg .u64 %d<1>;
  .reg .f32 %f<3>;
{INDEX}  ld.param.s64 %i0, [{entry}_n];
  cvt.s64.u32 %i1, %r3;
  setp.ge.s64 %p0, %i1, %i0;
  @%p0 bra DONE;
  mul.wide.u32 %d0, %r3, 4;
{loads}{body}DONE:
  ret;
}}
"
    )
}

/// The thread's number in the grid, in `%r3`.
const INDEX: &str = "\
  mov.u32 %r0, %ctaid.x;
  mov.u32 %r1, %ntid.x;
  mov.u32 %r2, %tid.x;
  mad.lo.u32 %r3, %r0, %r1, %r2;
";

/// `y = table[index]` with the record of what is out of range.
fn gather(entry: &str) -> String {
    format!(
        "
.visible .entry {entry}(.param .u64 {entry}_0, .param .u64 {entry}_1, .param .u64 {entry}_2, .param .u64 {entry}_f, .param .s64 {entry}_v, .param .s64 {entry}_n)
{{
  .reg .pred %p<3>;
  .reg .u32 %r<5>;
  .reg .s64 %i<4>;
  .reg .u64 %a<8>;
  .reg .f32 %f<1>;
{INDEX}  ld.param.s64 %i0, [{entry}_n];
  cvt.s64.u32 %i1, %r3;
  setp.ge.s64 %p0, %i1, %i0;
  @%p0 bra DONE;
  ld.param.u64 %a0, [{entry}_0];
  ld.param.u64 %a1, [{entry}_1];
  ld.param.u64 %a2, [{entry}_2];
  ld.param.u64 %a3, [{entry}_f];
  ld.param.s64 %i2, [{entry}_v];
  mul.wide.u32 %a4, %r3, 8;
  add.u64 %a1, %a1, %a4;
  ld.global.s64 %i3, [%a1];
  setp.lt.s64 %p1, %i3, 0;
  @%p1 bra OUT;
  setp.lt.s64 %p1, %i3, %i2;
  @%p1 bra IN;
OUT:
  atom.global.cas.b32 %r4, [%a3], 0, 1;
  setp.ne.u32 %p2, %r4, 0;
  @%p2 bra CLAIMED;
  mov.s64 %i1, 0;
  st.global.s64 [%a3+8], %i1;
  st.global.s64 [%a3+16], %i3;
  st.global.s64 [%a3+24], %i2;
CLAIMED:
  mov.s64 %i3, 0;
IN:
  shl.b64 %i3, %i3, 2;
  cvt.u64.s64 %a5, %i3;
  add.u64 %a0, %a0, %a5;
  ld.global.f32 %f0, [%a0];
  mul.wide.u32 %a6, %r3, 4;
  add.u64 %a2, %a2, %a6;
  st.global.f32 [%a2], %f0;
DONE:
  ret;
}}
"
    )
}

/// `c = a < b` for one i64 each.
fn less(entry: &str) -> String {
    format!(
        "
.visible .entry {entry}(.param .u64 {entry}_0, .param .u64 {entry}_1, .param .u64 {entry}_2)
{{
  .reg .pred %p<2>;
  .reg .u32 %r<4>;
  .reg .s64 %i<2>;
  .reg .u64 %a<3>;
{INDEX}  setp.ne.u32 %p0, %r3, 0;
  @%p0 bra DONE;
  ld.param.u64 %a0, [{entry}_0];
  ld.param.u64 %a1, [{entry}_1];
  ld.param.u64 %a2, [{entry}_2];
  ld.global.s64 %i0, [%a0];
  ld.global.s64 %i1, [%a1];
  setp.lt.s64 %p1, %i0, %i1;
  selp.u32 %r0, 1, 0, %p1;
  st.global.u8 [%a2], %r0;
DONE:
  ret;
}}
"
    )
}
