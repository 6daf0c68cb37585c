//! Kernel sets around kernels by hand.

use std::sync::Arc;

use eyas_plan::{
    Buffer, BufferId, Code, CudaArchitecture, Function, FunctionArgument, Grid, Launch, LiveRange,
    Machine, Place, Plan, PlanInput, PlanOutput, Step,
};
use eyas_runtime::{EntryPlans, EntryPoint, KernelSet, KernelSetParts, TargetCode};
use eyas_tensor::{DType, Dim};

/// `add`: `out[i] = x[i] + y[i]`. `gather`: `out[i] = table[index[i]]` of
/// five places. `stray`: writes beyond its output. `careless`: adds what was never written.
const MODULE: &str = "
.version 8.0
.target sm_80
.address_size 64

.visible .entry add(.param .u64 x, .param .u64 y, .param .u64 out, .param .s64 count)
.maxntid 128, 1, 1
{
  .reg .pred %p<2>;
  .reg .u32 %r<4>;
  .reg .s64 %i<3>;
  .reg .u64 %a<5>;
  .reg .f32 %f<4>;
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %ctaid.x;
  mad.lo.u32 %r3, %r2, 128, %r1;
  cvt.s64.u32 %i1, %r3;
  ld.param.s64 %i2, [count];
  setp.ge.s64 %p1, %i1, %i2;
  @%p1 bra DONE;
  mul.wide.u32 %a4, %r3, 4;
  ld.param.u64 %a1, [x];
  ld.param.u64 %a2, [y];
  ld.param.u64 %a3, [out];
  add.u64 %a1, %a1, %a4;
  add.u64 %a2, %a2, %a4;
  add.u64 %a3, %a3, %a4;
  ld.global.f32 %f1, [%a1];
  ld.global.f32 %f2, [%a2];
  add.rn.f32 %f3, %f1, %f2;
  st.global.f32 [%a3], %f3;
DONE:
  ret;
}

.visible .entry gather(
  .param .u64 index,
  .param .u64 table,
  .param .u64 out,
  .param .u64 failure,
  .param .s64 count
)
.maxntid 32, 1, 1
{
  .reg .pred %p<4>;
  .reg .u32 %r<8>;
  .reg .u64 %a<12>;
  .reg .s64 %i<4>;
  .reg .f32 %f<2>;
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %ctaid.x;
  mad.lo.u32 %r3, %r2, 32, %r1;
  cvt.s64.u32 %i1, %r3;
  ld.param.s64 %i2, [count];
  setp.ge.s64 %p1, %i1, %i2;
  @%p1 bra DONE;
  ld.param.u64 %a1, [index];
  mul.wide.u32 %a2, %r3, 8;
  add.u64 %a1, %a1, %a2;
  ld.global.s64 %i3, [%a1];
  setp.ge.s64 %p2, %i3, 0;
  setp.lt.and.s64 %p3, %i3, 5, %p2;
  @%p3 bra INSIDE;
  ld.param.u64 %a3, [failure];
  atom.global.cas.b32 %r4, [%a3], 0, 1;
  setp.ne.u32 %p1, %r4, 0;
  @%p1 bra CLAIMED;
  st.global.s64 [%a3+8], 1;
  st.global.s64 [%a3+16], %i3;
  st.global.s64 [%a3+24], 5;
CLAIMED:
  mov.s64 %i3, 0;
INSIDE:
  ld.param.u64 %a4, [table];
  cvt.u64.s64 %a5, %i3;
  shl.b64 %a5, %a5, 2;
  add.u64 %a4, %a4, %a5;
  ld.global.f32 %f1, [%a4];
  ld.param.u64 %a6, [out];
  mul.wide.u32 %a7, %r3, 4;
  add.u64 %a6, %a6, %a7;
  st.global.f32 [%a6], %f1;
DONE:
  ret;
}

.visible .entry stray(.param .u64 out)
.maxntid 32, 1, 1
{
  .reg .u64 %a<2>;
  .reg .f32 %f<2>;
  ld.param.u64 %a1, [out];
  mov.f32 %f1, 0f00000000;
  st.global.f32 [%a1+1048576], %f1;
  ret;
}
";

fn dim(text: &str) -> Dim {
    text.parse().unwrap()
}

fn buffer(name: &str, ty: &str, place: Place) -> Buffer {
    Buffer {
        name: name.to_owned(),
        ty: ty.parse().unwrap(),
        place,
        live: LiveRange {
            first: 0,
            last: 1000,
        },
    }
}

fn launch(kernel: usize, buffers: &[usize]) -> Step {
    let arguments = buffers.iter().map(|&id| BufferId(id).into()).collect();
    Step::Launch(Launch { kernel, arguments })
}

fn function(name: &str, threads: u32, arguments: &[(DType, &str, bool)], units: &str) -> Function {
    let start = MODULE.find(&format!(".visible .entry {name}(")).unwrap();
    let size = MODULE[start..].find("\n}").unwrap() + 3;
    let arguments = arguments
        .iter()
        .map(|&(dtype, length, writes)| FunctionArgument {
            dtype,
            length: dim(length),
            writes,
        });
    Function {
        name: name.to_owned(),
        offset: start,
        size,
        arguments: arguments.collect(),
        dims: Vec::new(),
        units: dim(units),
        unit_cost: Dim::from(1),
        scratch: Dim::from(0),
        grid: Some(Grid {
            entry: name.to_owned(),
            threads,
            shared: 0,
            checks: false,
            cleared: Dim::from(0),
        }),
    }
}

fn set(plan: Plan, functions: Vec<Function>, text: &str) -> Arc<KernelSet> {
    let parts = KernelSetParts {
        symbols: vec!["B".to_owned()],
        entries: vec![EntryPoint {
            name: "main".to_owned(),
            inputs: plan.inputs.clone(),
            outputs: plan.outputs.clone(),
        }],
        targets: vec![TargetCode {
            machine: Machine::Cuda(CudaArchitecture::Sm80),
            entries: vec![EntryPlans {
                generic: plan,
                specialised: Vec::new(),
            }],
            derived: Vec::new(),
            code: Code {
                bytes: text.as_bytes().to_vec(),
                functions,
            },
        }],
        ..KernelSetParts::default()
    };
    Arc::new(KernelSet::new(parts).unwrap())
}

fn inputs(inputs: &[(&str, &str)]) -> Vec<PlanInput> {
    let inputs = inputs.iter().map(|&(name, ty)| PlanInput {
        name: name.to_owned(),
        ty: ty.parse().unwrap(),
    });
    inputs.collect()
}

fn outputs(name: &str, ty: &str) -> Vec<PlanOutput> {
    vec![PlanOutput {
        name: name.to_owned(),
        ty: ty.parse().unwrap(),
        state: None,
    }]
}

fn add() -> Function {
    let float = |writes| (DType::F32, "4*B", writes);
    let arguments = [float(false), float(false), float(true)];
    let add = function("add", 128, &arguments, "(4*B + 127) // 128");
    Function {
        dims: vec![dim("4*B")],
        ..add
    }
}

const ROWS: &str = "f32[B, 4]";

/// `out = 2 * (x + y)`, the sum in the arena between.
pub fn adder(text: &str) -> Arc<KernelSet> {
    let plan = Plan {
        inputs: inputs(&[("x", ROWS), ("y", ROWS)]),
        outputs: outputs("out", ROWS),
        buffers: vec![
            buffer("x", ROWS, Place::Input(0)),
            buffer("y", ROWS, Place::Input(1)),
            buffer("between", ROWS, Place::Arena),
            buffer("out", ROWS, Place::Output(0)),
        ],
        steps: vec![launch(0, &[0, 1, 2]), launch(0, &[2, 2, 3])],
    };
    set(plan, vec![add()], text)
}

/// The same, with text that a GPU takes.
pub fn sound() -> Arc<KernelSet> {
    adder(MODULE)
}

/// The same, with a register that is not declared, and the line of it.
pub fn unsound() -> (Arc<KernelSet>, usize) {
    let line = MODULE.lines().position(|line| line.contains("add.rn.f32"));
    let set = adder(&MODULE.replace("add.rn.f32 %f3", "add.rn.f32 %g3"));
    (set, line.unwrap() + 1)
}

/// `out = x + what was never written`.
pub fn careless() -> Arc<KernelSet> {
    let plan = Plan {
        inputs: inputs(&[("x", ROWS)]),
        outputs: outputs("out", ROWS),
        buffers: vec![
            buffer("x", ROWS, Place::Input(0)),
            buffer("nothing", ROWS, Place::Arena),
            buffer("out", ROWS, Place::Output(0)),
        ],
        steps: vec![launch(0, &[0, 1, 2])],
    };
    set(plan, vec![add()], MODULE)
}

/// Writes beyond its output.
pub fn stray() -> Arc<KernelSet> {
    let plan = Plan {
        inputs: inputs(&[("x", ROWS)]),
        outputs: outputs("out", ROWS),
        buffers: vec![
            buffer("x", ROWS, Place::Input(0)),
            buffer("out", ROWS, Place::Output(0)),
        ],
        steps: vec![launch(0, &[1])],
    };
    let function = function("stray", 32, &[(DType::F32, "4*B", true)], "B");
    set(plan, vec![function], MODULE)
}

/// `out = table[index]`, of five places.
pub fn lookup() -> Arc<KernelSet> {
    let mut gather = function(
        "gather",
        32,
        &[
            (DType::I64, "B", false),
            (DType::F32, "5", false),
            (DType::F32, "B", true),
        ],
        "(B + 31) // 32",
    );
    gather.dims = vec![dim("B")];
    if let Some(grid) = &mut gather.grid {
        grid.checks = true;
    }
    let plan = Plan {
        inputs: inputs(&[("table", "f32[5]"), ("index", "i64[B]")]),
        outputs: outputs("out", "f32[B]"),
        buffers: vec![
            buffer("index", "i64[B]", Place::Input(1)),
            buffer("table", "f32[5]", Place::Input(0)),
            buffer("out", "f32[B]", Place::Output(0)),
        ],
        steps: vec![launch(0, &[0, 1, 2])],
    };
    set(plan, vec![gather], MODULE)
}
