//! Random bodies over all types at once, so that every form of every op meets every other.

use eyas_ir::{BinaryFunction, Body, BodyBuilder, Comparison, ScalarId, ScalarOp, UnaryFunction};
use eyas_kernels::{Access, Kernel, Map, Role, Work};
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::device::{Bindings, Case, all_agree};
use crate::draw::{DTYPES, Draw, argument, dims, kernel};

/// Types that often meet in one body.
const FAMILIES: [&[DType]; 4] = [
    &[DType::F32, DType::I32, DType::U32, DType::Bool],
    &[DType::F32, DType::F16, DType::BF16, DType::I16, DType::U8],
    &[DType::F64, DType::I64, DType::U64, DType::Bool],
    &DTYPES,
];

struct Writer<'a> {
    draw: &'a mut Draw,
    family: &'static [DType],
    builder: BodyBuilder,
    nodes: Vec<ScalarId>,
}

impl Writer<'_> {
    fn node(&mut self) -> ScalarId {
        let nodes = self.nodes.clone();
        self.draw.pick(&nodes)
    }

    /// A node of this type, converted where it is of another.
    fn of(&mut self, dtype: DType) -> ScalarId {
        let node = self.node();
        self.builder.cast(node, dtype)
    }

    fn leaf(&mut self) -> ScalarId {
        let dtype = self.draw.pick(self.family);
        match self.draw.below(4) {
            0 => {
                let axis = self.draw.below(2) as u32;
                self.builder.push(ScalarOp::Index(axis), DType::I64)
            }
            1 => {
                let extent: Dim = "3*B".parse().unwrap();
                self.builder.push(ScalarOp::Extent(extent), dtype)
            }
            _ => {
                let number = match self.draw.number(dtype) {
                    Number::Float(x) if !x.is_finite() => Number::Float(0.25),
                    number => number,
                };
                self.builder.literal(dtype, number)
            }
        }
    }

    fn step(&mut self) {
        use BinaryFunction::*;
        let a = self.node();
        let dtype = self.builder.dtype(a);
        let result = match self.draw.below(9) {
            0 => self.leaf(),
            1 | 2 => {
                let to = self.draw.pick(self.family);
                self.builder.cast(a, to)
            }
            3 => {
                use Comparison::*;
                let all = [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual];
                let (comparison, b) = (self.draw.pick(&all), self.of(dtype));
                self.builder.compare(comparison, a, b)
            }
            4 => {
                let (condition, b) = (self.of(DType::Bool), self.of(dtype));
                self.builder.select(condition, a, b)
            }
            5 if dtype != DType::Bool => {
                let (b, c) = (self.of(dtype), self.of(dtype));
                self.builder.multiply_add(a, b, c)
            }
            6 if dtype.is_float() => {
                use UnaryFunction::*;
                let function = self
                    .draw
                    .pick(&[Negate, Absolute, Floor, Ceil, Round, Sqrt]);
                self.builder.unary(function, a)
            }
            6 => self.builder.unary(UnaryFunction::Not, a),
            7 if dtype.is_integer() => {
                let by = self.draw.below(dtype.bits()) as u32;
                let op = self
                    .draw
                    .pick(&[ScalarOp::ShiftLeft(a, by), ScalarOp::ShiftRight(a, by)]);
                self.builder.push(op, dtype)
            }
            _ => {
                let functions: &[BinaryFunction] = match dtype {
                    DType::Bool => &[And, Or, Xor],
                    _ if dtype.is_float() => &[Add, Subtract, Multiply, Divide],
                    _ => &[
                        Add,
                        Subtract,
                        Multiply,
                        Maximum,
                        Minimum,
                        And,
                        Xor,
                        FloorDivide,
                    ],
                };
                let (function, b) = (self.draw.pick(functions), self.of(dtype));
                self.builder.binary(function, a, b)
            }
        };
        self.nodes.push(result);
    }
}

/// A body with these inputs and one result, which is of the family.
fn body(draw: &mut Draw, family: &'static [DType], inputs: &[DType]) -> Body {
    let mut builder = BodyBuilder::new();
    let nodes = inputs.iter().map(|dtype| builder.input(*dtype)).collect();
    let mut writer = Writer {
        draw,
        family,
        builder,
        nodes,
    };
    if inputs.is_empty() {
        let leaf = writer.leaf();
        writer.nodes.push(leaf);
    }
    for _ in 0..3 + writer.draw.below(12) {
        writer.step();
    }
    let last = writer.nodes[writer.nodes.len() - 1];
    let dtype = writer.draw.pick(family);
    let result = writer.builder.cast(last, dtype);
    writer.builder.finish(&[result])
}

/// A dense read of rows and columns, or one that is the same along either.
fn read(draw: &mut Draw, argument: usize, extents: &[i64; 2]) -> Access {
    let strides = draw.pick(&[
        [extents[1], 1],
        [extents[1], 1],
        [1, 0],
        [0, 1],
        [0, 0],
        [1, extents[0]],
    ]);
    Access {
        argument,
        offset: Dim::from(0),
        strides: dims(&strides),
        indirect: None,
    }
}

fn result_of(body: &Body) -> DType {
    body.node(body.outputs[0]).dtype
}

fn case(draw: &mut Draw, kernel: Kernel) -> Case {
    let tensors: Vec<Tensor> = kernel
        .arguments
        .iter()
        .map(|a| draw.tensor(a.dtype, a.length.as_constant().unwrap() as usize))
        .collect();
    Case {
        kernel,
        arguments: tensors,
        bindings: Bindings::from([("B".to_owned(), 5)]),
        tolerance: 0.0,
    }
}

#[test]
fn random_maps_equal_the_interpreter() {
    let mut draw = Draw(177);
    let mut cases = Vec::new();
    for _ in 0..250 {
        let family = draw.pick(&FAMILIES);
        let extents = [1 + draw.below(4) as i64, 1 + draw.below(40) as i64];
        let length = (extents[0] * extents[1]) as usize;
        let inputs: Vec<DType> = (0..draw.below(4)).map(|_| draw.pick(family)).collect();
        let body = body(&mut draw, family, &inputs);
        let mut arguments: Vec<_> = inputs
            .iter()
            .map(|dtype| argument(*dtype, Role::Read, length))
            .collect();
        arguments.push(argument(result_of(&body), Role::Write, length));
        let map = Map {
            extents: dims(&extents),
            reads: (0..inputs.len())
                .map(|n| read(&mut draw, n, &extents))
                .collect(),
            writes: vec![Access::dense(inputs.len(), &dims(&extents)).unwrap()],
            body,
        };
        let kernel = kernel("test.random", arguments, Work::Map(map));
        cases.push(case(&mut draw, kernel));
    }
    all_agree(&cases);
}
