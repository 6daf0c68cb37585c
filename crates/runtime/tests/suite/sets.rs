//! Kernel sets around the kernels by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use eyas_plan::{
    Buffer, BufferId, Carry, If, Isa, Launch, LiveRange, Loop, Machine, Operand, Place, Plan,
    PlanInput, PlanOutput, Step,
};
use eyas_runtime::{
    DerivedParameter, EntryPlans, EntryPoint, KernelSet, KernelSetParts, ParameterKind,
    ParameterPart, TargetCode, ValueOrigin,
};
use eyas_tensor::{DType, Dim, Tensor};

use crate::kernels::{Section, Shape, fail, gather, less, through_scratch};

pub fn dim(text: &str) -> Dim {
    text.parse().unwrap()
}

pub fn input(name: &str, ty: &str) -> PlanInput {
    PlanInput {
        name: name.to_owned(),
        ty: ty.parse().unwrap(),
    }
}

pub fn output(name: &str, ty: &str) -> PlanOutput {
    PlanOutput {
        name: name.to_owned(),
        ty: ty.parse().unwrap(),
        state: None,
    }
}

/// A buffer that lives through all of a plan.
pub fn buffer(name: &str, ty: &str, place: Place) -> Buffer {
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

pub fn launch(kernel: usize, buffers: &[usize]) -> Step {
    let arguments = buffers.iter().map(|&id| BufferId(id).into()).collect();
    Step::Launch(Launch { kernel, arguments })
}

pub fn parameter(ty: &str, value: Option<Tensor>) -> ParameterPart {
    ParameterPart {
        ty: ty.parse().unwrap(),
        kind: ParameterKind::Parameter,
        value,
        origin: ValueOrigin::Given,
    }
}

pub fn floats(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_f32(shape, values).unwrap()
}

/// Parts with one entry point `main` and one plan for it.
pub fn parts(plan: Plan, section: Section) -> KernelSetParts {
    KernelSetParts {
        symbols: vec!["B".to_owned()],
        entries: vec![EntryPoint {
            name: "main".to_owned(),
            inputs: plan.inputs.clone(),
            outputs: plan.outputs.clone(),
        }],
        targets: vec![TargetCode {
            machine: Machine::cpu(Isa::PORTABLE),
            entries: vec![EntryPlans {
                generic: plan,
                specialised: Vec::new(),
            }],
            derived: Vec::new(),
            code: section.0,
        }],
        ..KernelSetParts::default()
    }
}

pub fn set(parts: KernelSetParts) -> Arc<KernelSet> {
    Arc::new(KernelSet::new(parts).unwrap())
}

/// `sum = x + y`, `twice = sum + sum`, with `sum` in the arena between.
pub fn adder(unit_cost: i64) -> KernelSetParts {
    let mut section = Section::default();
    let add = section.add("sum.add", "4*B", unit_cost);
    let plan = Plan {
        inputs: vec![input("x", "f32[B, 4]"), input("y", "f32[B, 4]")],
        outputs: vec![output("sum", "f32[B, 4]"), output("twice", "f32[B, 4]")],
        buffers: vec![
            buffer("x", "f32[B, 4]", Place::Input(0)),
            buffer("y", "f32[B, 4]", Place::Input(1)),
            buffer("between", "f32[B, 4]", Place::Arena),
            buffer("zero", "f32[B, 4]", Place::Arena),
            buffer("sum", "f32[B, 4]", Place::Output(0)),
            buffer("twice", "f32[B, 4]", Place::Output(1)),
        ],
        steps: vec![
            launch(add, &[0, 1, 2]),
            Step::Loop(Loop {
                zeroed: vec![BufferId(3)],
                ..repeat("z", "0", Vec::new())
            }),
            launch(add, &[2, 3, 4]),
            launch(add, &[2, 2, 5]),
        ],
    };
    parts(plan, section)
}

pub fn repeat(variable: &str, count: &str, body: Vec<Step>) -> Loop {
    Loop {
        variable: variable.to_owned(),
        trip: format!("#{variable}"),
        start: Dim::from(0),
        count: dim(count),
        counter: None,
        condition: None,
        carried: Vec::new(),
        zeroed: Vec::new(),
        body,
    }
}

/// `h = x; repeat i in 0..B { h = h + w.{i} }`, with every `h` before its step stacked.
pub fn looped(count: usize) -> KernelSetParts {
    let mut section = Section::default();
    let add = section.add("step.add", "4", 1);
    let slice = |buffer| Operand {
        buffer: BufferId(buffer),
        offset: dim("4*#i"),
    };
    let stack = Step::Launch(Launch {
        kernel: add,
        arguments: vec![BufferId(2).into(), BufferId(1).into(), slice(6)],
    });
    let body = vec![launch(add, &[2, 4, 3]), stack];
    let plan = Plan {
        inputs: vec![input("x", "f32[4]")],
        outputs: vec![
            output("h", "f32[4]"),
            output("stack", &format!("f32[{count}, 4]")),
        ],
        buffers: vec![
            buffer("x", "f32[4]", Place::Input(0)),
            buffer("zero", "f32[4]", Place::Constant(0)),
            buffer("current", "f32[4]", Place::Arena),
            buffer("next", "f32[4]", Place::Arena),
            buffer("w", "f32[4]", Place::Parameter("block.{i}.w".to_owned())),
            buffer("h", "f32[4]", Place::Output(0)),
            buffer("stack", &format!("f32[{count}, 4]"), Place::Output(1)),
        ],
        steps: vec![
            launch(add, &[0, 1, 2]),
            Step::Loop(Loop {
                carried: vec![Carry {
                    current: BufferId(2),
                    next: BufferId(3),
                }],
                ..repeat("i", &count.to_string(), body)
            }),
            launch(add, &[2, 1, 5]),
        ],
    };
    let mut parts = parts(plan, section);
    parts.constants = vec![floats(&[4], &[0.0; 4])];
    for block in 0..count {
        let value = floats(&[4], &[block as f32, 1.0, 10.0, 100.0]);
        let part = parameter("f32[4]", Some(value));
        parts.parameters.insert(format!("block.{block}.w"), part);
    }
    parts
}

/// `c = 0; while c + 1 < limit and c < 100 { x = x + x }`, stacked into eight places at most.
pub fn while_loop() -> KernelSetParts {
    let mut section = Section::default();
    let add = section.add("double.add", "1", 1);
    let less = section.function(
        &less(),
        &Shape {
            name: "more.less",
            arguments: &[
                (DType::I64, "1", false),
                (DType::I64, "1", false),
                (DType::Bool, "1", true),
            ],
            dims: &[],
            units: "1",
            unit_cost: 1,
            scratch: "0",
        },
    );
    let stack = Step::Launch(Launch {
        kernel: add,
        arguments: vec![
            BufferId(2).into(),
            BufferId(2).into(),
            Operand {
                buffer: BufferId(7),
                offset: dim("#i"),
            },
        ],
    });
    let body = vec![launch(add, &[2, 2, 3]), launch(less, &[4, 1, 5]), stack];
    let plan = Plan {
        inputs: vec![input("x", "f32[1]"), input("limit", "i64[]")],
        outputs: vec![output("doubled", "f32[1]"), output("stack", "f32[8]")],
        buffers: vec![
            buffer("x", "f32[1]", Place::Input(0)),
            buffer("limit", "i64[]", Place::Input(1)),
            buffer("current", "f32[1]", Place::Arena),
            buffer("next", "f32[1]", Place::Arena),
            buffer("counter", "i64[]", Place::Arena),
            buffer("more", "bool[]", Place::Arena),
            buffer("doubled", "f32[1]", Place::Output(0)),
            buffer("stack", "f32[8]", Place::Output(1)),
            buffer("zero", "f32[1]", Place::Constant(0)),
        ],
        steps: vec![
            launch(add, &[0, 8, 2]),
            Step::Loop(Loop {
                start: Dim::from(1),
                counter: Some(BufferId(4)),
                condition: Some(BufferId(5)),
                carried: vec![Carry {
                    current: BufferId(2),
                    next: BufferId(3),
                }],
                zeroed: vec![BufferId(7)],
                ..repeat("i", "8", body)
            }),
            launch(add, &[2, 8, 6]),
        ],
    };
    let mut parts = parts(plan, section);
    parts.constants = vec![floats(&[1], &[0.0])];
    parts
}

/// `y = x + x` where `flag` holds, `x + 0` where not.
pub fn branch() -> KernelSetParts {
    let mut section = Section::default();
    let add = section.add("branch.add", "B", 1);
    let plan = Plan {
        inputs: vec![
            input("flag", "bool[]"),
            input("x", "f32[B]"),
            input("zero", "f32[B]"),
        ],
        outputs: vec![output("y", "f32[B]")],
        buffers: vec![
            buffer("flag", "bool[]", Place::Input(0)),
            buffer("x", "f32[B]", Place::Input(1)),
            buffer("zero", "f32[B]", Place::Input(2)),
            buffer("y", "f32[B]", Place::Output(0)),
        ],
        steps: vec![Step::If(If {
            condition: BufferId(0),
            then: vec![launch(add, &[1, 1, 3])],
            otherwise: vec![launch(add, &[1, 2, 3])],
        })],
    };
    parts(plan, section)
}

/// `total = total + x` and gives the total before.
pub fn accumulator() -> KernelSetParts {
    let mut section = Section::default();
    let add = section.add("total.add", "2", 1);
    let state = PlanOutput {
        state: Some("total".to_owned()),
        ..output("total_next", "f32[2]")
    };
    let plan = Plan {
        inputs: vec![input("x", "f32[2]")],
        outputs: vec![state, output("before", "f32[2]")],
        buffers: vec![
            buffer("x", "f32[2]", Place::Input(0)),
            buffer("total", "f32[2]", Place::State("total".to_owned())),
            buffer("total_next", "f32[2]", Place::Output(0)),
            buffer("before", "f32[2]", Place::Output(1)),
            buffer("zero", "f32[2]", Place::Constant(0)),
        ],
        steps: vec![launch(add, &[1, 0, 2]), launch(add, &[1, 4, 3])],
    };
    let mut parts = parts(plan, section);
    parts.constants = vec![floats(&[2], &[0.0; 2])];
    let state = ParameterPart {
        kind: ParameterKind::State,
        origin: ValueOrigin::Initialised,
        ..parameter("f32[2]", Some(floats(&[2], &[1.0, 2.0])))
    };
    parts.parameters.insert("total".to_owned(), state);
    parts
}

/// `y = table[index]`.
pub fn lookup(unit_cost: i64) -> KernelSetParts {
    let mut section = Section::default();
    let gather = section.function(
        &gather(),
        &Shape {
            name: "embed.gather",
            arguments: &[
                (DType::F32, "V", false),
                (DType::I64, "B", false),
                (DType::F32, "B", true),
            ],
            dims: &["V"],
            units: "B",
            unit_cost,
            scratch: "0",
        },
    );
    let plan = Plan {
        inputs: vec![input("table", "f32[V]"), input("index", "i64[B]")],
        outputs: vec![output("y", "f32[B]")],
        buffers: vec![
            buffer("table", "f32[V]", Place::Input(0)),
            buffer("index", "i64[B]", Place::Input(1)),
            buffer("y", "f32[B]", Place::Output(0)),
        ],
        steps: vec![launch(gather, &[0, 1, 2])],
    };
    parts(plan, section)
}

/// `y = x` through scratch memory.
pub fn copier(unit_cost: i64) -> KernelSetParts {
    let mut section = Section::default();
    let copy = section.function(
        &through_scratch(),
        &Shape {
            name: "y.copy",
            arguments: &[(DType::F32, "B", false), (DType::F32, "B", true)],
            dims: &[],
            units: "B",
            unit_cost,
            scratch: "4*B",
        },
    );
    let plan = Plan {
        inputs: vec![input("x", "f32[B]")],
        outputs: vec![output("y", "f32[B]")],
        buffers: vec![
            buffer("x", "f32[B]", Place::Input(0)),
            buffer("y", "f32[B]", Place::Output(0)),
        ],
        steps: vec![launch(copy, &[0, 1])],
    };
    parts(plan, section)
}

/// Fails with a status that says nothing.
pub fn failing() -> KernelSetParts {
    let mut section = Section::default();
    let shape = Shape {
        name: "y.fail",
        arguments: &[],
        dims: &[],
        units: "1",
        unit_cost: 1,
        scratch: "0",
    };
    let kernel = section.function(&fail(), &shape);
    let plan = Plan {
        steps: vec![launch(kernel, &[])],
        ..Plan::default()
    };
    parts(plan, section)
}

/// `packed.{i} = 2 w.{i}`, `all = packed.0 + packed.1`, `y = x + all`.
pub fn derived(values: bool) -> KernelSetParts {
    let mut section = Section::default();
    let add = section.add("pack.add", "4", 1);
    let plan = Plan {
        inputs: vec![input("x", "f32[4]")],
        outputs: vec![output("y", "f32[4]")],
        buffers: vec![
            buffer("x", "f32[4]", Place::Input(0)),
            buffer("all", "f32[4]", Place::Parameter("all".to_owned())),
            buffer("y", "f32[4]", Place::Output(0)),
        ],
        steps: vec![launch(add, &[0, 1, 2])],
    };
    let compute = |left: &str, right: &str| Plan {
        inputs: Vec::new(),
        outputs: vec![output("value", "f32[4]")],
        buffers: vec![
            buffer("left", "f32[4]", Place::Parameter(left.to_owned())),
            buffer("right", "f32[4]", Place::Parameter(right.to_owned())),
            buffer("value", "f32[4]", Place::Output(0)),
        ],
        steps: vec![launch(add, &[0, 1, 2])],
    };
    let plans = vec![compute("w.{i}", "w.{i}"), compute("packed.0", "packed.1")];
    let mut parts = parts(plan, section);
    parts.targets[0].derived = plans.into_iter().map(Some).collect();
    parts.derived = vec![
        DerivedParameter {
            path: "packed.{i}".to_owned(),
            ty: "f32[4]".parse().unwrap(),
            counters: vec![("i".to_owned(), 0, 2)],
        },
        DerivedParameter {
            path: "all".to_owned(),
            ty: "f32[4]".parse().unwrap(),
            counters: Vec::new(),
        },
    ];
    for number in 0..2 {
        let value = values.then(|| floats(&[4], &[1.0, 2.0, 3.0, number as f32]));
        parts
            .parameters
            .insert(format!("w.{number}"), parameter("f32[4]", value));
    }
    parts
}

/// Weights for [`derived`].
pub fn weights(first: f32) -> BTreeMap<String, Tensor> {
    (0..2)
        .map(|number| {
            (
                format!("w.{number}"),
                floats(&[4], &[first + number as f32; 4]),
            )
        })
        .collect()
}
