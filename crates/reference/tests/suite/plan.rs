use std::collections::BTreeMap;

use eyas_ir::BinaryFunction;
use eyas_kernels::{Kernel, Map, Role, Work};
use eyas_plan::{
    Buffer, BufferId, Carry, If, Launch, LiveRange, Loop, Operand, Place, Plan, PlanInput,
    PlanOutput, Step,
};
use eyas_reference::{Arrangement, EvaluateError, KernelFault, PlanValues, run_plan};
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::kernel::{access, argument, binary, kernel};
use crate::single::dims;

fn elementwise(function: BinaryFunction) -> Kernel {
    let length = |role| argument(DType::F32, role, "B");
    kernel(
        vec![length(Role::Read), length(Role::Read), length(Role::Write)],
        Work::Map(Map {
            extents: dims("B"),
            reads: vec![access(0, "0", "1"), access(1, "0", "1")],
            body: binary(function, DType::F32),
            writes: vec![access(2, "0", "1")],
        }),
    )
}

fn buffer(name: &str, ty: &str, place: Place, first: u32, last: u32) -> Buffer {
    Buffer {
        name: name.to_owned(),
        ty: ty.parse().unwrap(),
        place,
        live: LiveRange { first, last },
    }
}

fn launch(kernel: usize, buffers: &[usize]) -> Step {
    let arguments = buffers.iter().map(|&id| BufferId(id).into()).collect();
    Step::Launch(Launch { kernel, arguments })
}

/// `x = input + input; for i in 1..4: x = x * w.{i}, stack x;` gives x + x and the stack.
fn looped() -> Plan {
    let mut body = vec![launch(1, &[1, 3, 2]), launch(0, &[2, 4, 5])];
    if let Step::Launch(launch) = &mut body[1] {
        launch.arguments[2] = Operand {
            buffer: BufferId(5),
            offset: "B*trip".parse().unwrap(),
        };
    }
    Plan {
        inputs: vec![PlanInput {
            name: "input".to_owned(),
            ty: "f32[B]".parse().unwrap(),
        }],
        outputs: ["f32[B]", "f32[3, B]"]
            .map(|ty| PlanOutput {
                name: ty.to_owned(),
                ty: ty.parse().unwrap(),
                state: None,
            })
            .to_vec(),
        buffers: vec![
            buffer("input", "f32[B]", Place::Input(0), 0, 4),
            buffer("x", "f32[B]", Place::Arena, 0, 4),
            buffer("next", "f32[B]", Place::Arena, 1, 3),
            buffer("w", "f32[B]", Place::Parameter("w.{i}".into()), 0, 4),
            buffer("zero", "f32[B]", Place::Constant(0), 0, 4),
            buffer("stack", "f32[3, B]", Place::Output(1), 0, 4),
            buffer("output", "f32[B]", Place::Output(0), 0, 4),
            buffer("counter", "i64[]", Place::Arena, 1, 3),
        ],
        steps: vec![
            launch(0, &[0, 0, 1]),
            Step::Loop(Loop {
                variable: "i".to_owned(),
                trip: "trip".to_owned(),
                start: Dim::from(1),
                count: Dim::from(3),
                counter: Some(BufferId(7)),
                condition: None,
                carried: vec![Carry {
                    current: BufferId(1),
                    next: BufferId(2),
                }],
                zeroed: vec![],
                body,
            }),
            launch(0, &[1, 1, 6]),
        ],
    }
}

fn tensor(values: &[f32]) -> Tensor {
    Tensor::from_f32(&[values.len()], values).unwrap()
}

fn run(plan: &Plan, arrangement: Arrangement) -> Result<Vec<Tensor>, EvaluateError> {
    let kernels = [BinaryFunction::Add, BinaryFunction::Multiply].map(elementwise);
    let constants = [tensor(&[0.0, 0.0])];
    let parameters: BTreeMap<String, Tensor> = (1..4)
        .map(|i| (format!("w.{i}"), tensor(&[i as f32, 10.0])))
        .collect();
    let values = PlanValues {
        constants: &constants,
        parameters: &parameters,
        states: &BTreeMap::new(),
    };
    let bindings = BTreeMap::from([("B".to_owned(), 2)]);
    run_plan(
        plan,
        &kernels,
        &[tensor(&[1.0, 2.0])],
        &values,
        &bindings,
        arrangement,
    )
}

const BOTH: [Arrangement; 2] = [Arrangement::Apart, Arrangement::Arena];

#[test]
fn a_loop_carries_stacks_and_reads_its_parameters() {
    for arrangement in BOTH {
        let outputs = run(&looped(), arrangement).unwrap();
        assert_eq!(outputs[0].as_f32().unwrap(), [24.0, 8000.0]);
        let stack = [2.0, 40.0, 4.0, 400.0, 12.0, 4000.0];
        assert_eq!(outputs[1].as_f32().unwrap(), stack);
        assert_eq!(outputs[1].shape(), [3, 2]);
    }
}

#[test]
fn a_step_outside_a_live_range_is_a_fault() {
    let mut plan = looped();
    plan.buffers[1].live.last = 3;
    for arrangement in BOTH {
        let error = run(&plan, arrangement).unwrap_err();
        let expected = KernelFault::NotLive {
            buffer: "x".to_owned(),
            step: 4,
            first: 0,
            last: 3,
        };
        assert_eq!(error, EvaluateError::Fault(expected));
    }
}

#[test]
fn a_range_that_forgets_the_loop_around_shows_in_an_arena() {
    let mut plan = looped();
    // The constant becomes a buffer that is written before the loop, but said to be born in it.
    plan.buffers[4] = buffer("zero", "f32[B]", Place::Arena, 0, 3);
    plan.steps[0] = launch(0, &[0, 0, 1]);
    let Step::Loop(step) = &mut plan.steps[1] else {
        unreachable!()
    };
    step.zeroed = vec![BufferId(4)];
    assert!(run(&plan, Arrangement::Arena).is_ok());
    plan.buffers[4].live = LiveRange { first: 1, last: 3 };
    let outputs = run(&plan, Arrangement::Arena).unwrap();
    assert!(outputs[1].as_f32().unwrap().iter().all(|x| !x.is_nan()));
    plan.buffers[4].live = LiveRange { first: 2, last: 3 };
    assert!(run(&plan, Arrangement::Arena).is_err());
}

#[test]
fn an_if_takes_the_branch_that_its_condition_says() {
    for (holds, expected) in [(true, [2.0, 4.0]), (false, [1.0, 4.0])] {
        let mut plan = looped();
        plan.outputs.truncate(1);
        plan.inputs.push(PlanInput {
            name: "condition".to_owned(),
            ty: "bool[]".parse().unwrap(),
        });
        plan.buffers
            .push(buffer("condition", "bool[]", Place::Input(1), 0, 4));
        plan.steps = vec![Step::If(If {
            condition: BufferId(8),
            then: vec![launch(0, &[0, 0, 6])],
            otherwise: vec![launch(1, &[0, 0, 6])],
        })];
        let kernels = [BinaryFunction::Add, BinaryFunction::Multiply].map(elementwise);
        let condition = Tensor::scalar(DType::Bool, Number::Bool(holds));
        let none = BTreeMap::new();
        let values = PlanValues {
            constants: &[tensor(&[0.0, 0.0])],
            parameters: &none,
            states: &none,
        };
        let bindings = BTreeMap::from([("B".to_owned(), 2)]);
        let inputs = [tensor(&[1.0, 2.0]), condition];
        let outputs = run_plan(&plan, &kernels, &inputs, &values, &bindings, BOTH[1]).unwrap();
        assert_eq!(outputs[0].as_f32().unwrap(), expected);
    }
}

#[test]
fn inputs_are_not_written() {
    let mut plan = looped();
    plan.steps[0] = launch(0, &[0, 0, 0]);
    let expected = KernelFault::ForeignBuffer {
        buffer: "input".to_owned(),
    };
    let error = run(&plan, Arrangement::Apart).unwrap_err();
    assert_eq!(error, EvaluateError::Fault(expected));
}
