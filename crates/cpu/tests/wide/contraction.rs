use std::collections::BTreeMap;

use eyas_cpu::panel_width;
use eyas_ir::{BinaryFunction, Body, BodyBuilder, UnaryFunction};
use eyas_kernels::{Access, Contraction, RightLayout, Work};
use eyas_plan::Isa;
use eyas_reference::evaluate_body;
use eyas_tensor::{DType, Number, Tensor};
use proptest::prelude::*;

use crate::case::{Case, access, assert_close, assert_same, bools, dim, floats, isas, kernel};

const F32: DType = DType::F32;

/// What is done to a sum, with the strides over rows and columns of what is read besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    Nothing,
    BiasRelu,
    Residual,
    RowScale,
    Masked,
    Gelu,
}

impl Finish {
    fn body(self) -> Body {
        let mut b = BodyBuilder::new();
        let sum = b.input(F32);
        let result = match self {
            Finish::Nothing => sum,
            Finish::BiasRelu => {
                let bias = b.input(F32);
                let sum = b.binary(BinaryFunction::Add, sum, bias);
                let zero = b.float(F32, 0.0);
                b.binary(BinaryFunction::Maximum, sum, zero)
            }
            Finish::Residual => {
                let (bias, other) = (b.input(F32), b.input(F32));
                let sum = b.binary(BinaryFunction::Add, sum, bias);
                b.binary(BinaryFunction::Add, sum, other)
            }
            Finish::RowScale => {
                let scale = b.input(F32);
                let scaled = b.binary(BinaryFunction::Multiply, sum, scale);
                b.unary(UnaryFunction::Negate, scaled)
            }
            Finish::Masked => {
                let mask = b.input(DType::Bool);
                let least = b.float(F32, -1e30);
                b.select(mask, sum, least)
            }
            Finish::Gelu => gelu(&mut b, sum),
        };
        b.finish(&[result])
    }

    fn reads(self, row: &str) -> Vec<Access> {
        match self {
            Finish::Nothing | Finish::Gelu => Vec::new(),
            Finish::BiasRelu => vec![access(3, "0", &["0", "1"])],
            Finish::Residual => vec![access(3, "0", &["0", "1"]), access(4, "0", &[row, "1"])],
            Finish::RowScale => vec![access(5, "0", &["1", "0"])],
            Finish::Masked => vec![access(6, "0", &[row, "1"])],
        }
    }
}

/// A long body of everything that expansion leaves: an exponential by hand.
pub fn gelu(b: &mut BodyBuilder, x: eyas_ir::ScalarId) -> eyas_ir::ScalarId {
    use BinaryFunction::*;
    let c = |b: &mut BodyBuilder, value: f64| b.float(F32, value);
    let square = b.binary(Multiply, x, x);
    let (cubic, linear) = (c(b, -0.102_943_24), c(b, -2.302_208_2));
    let t = b.multiply_add(square, cubic, linear);
    let t = b.binary(Multiply, t, x);
    let (low, high) = (c(b, -126.0), c(b, 126.0));
    let t = b.binary(Maximum, t, low);
    let t = b.binary(Minimum, t, high);
    let n = b.unary(UnaryFunction::Round, t);
    let f = b.binary(Subtract, t, n);
    let mut p = c(b, 1.333_355_8e-3);
    for factor in [
        9.618_129e-3,
        5.550_410_9e-2,
        2.402_265_1e-1,
        std::f64::consts::LN_2,
        1.0,
    ] {
        let factor = c(b, factor);
        p = b.multiply_add(p, f, factor);
    }
    let n = b.cast(n, DType::I32);
    let n = b.push(eyas_ir::ScalarOp::ShiftLeft(n, 23), DType::I32);
    let p = b.push(eyas_ir::ScalarOp::Bitcast(p), DType::I32);
    let p = b.binary(Add, p, n);
    let p = b.push(eyas_ir::ScalarOp::Bitcast(p), F32);
    let one = c(b, 1.0);
    let p = b.binary(Add, p, one);
    b.binary(Divide, x, p)
}

/// Extents and what is known of them when the code is made.
#[derive(Debug, Clone, Copy)]
struct Shape {
    rows: usize,
    columns: usize,
    contracted: usize,
    symbolic: bool,
    /// Elements between rows of left operand and result beyond what they need.
    gap: usize,
}

/// `Panels` as the kernel IR describes them.
pub fn packed(right: &[f32], contracted: usize, columns: usize, panel: usize) -> Tensor {
    let mut packed = vec![0f32; columns.div_ceil(panel) * contracted * panel];
    for k in 0..contracted {
        for column in 0..columns {
            let place = (column / panel * contracted + k) * panel + column % panel;
            packed[place] = right[k * columns + column];
        }
    }
    Tensor::from_f32(&[packed.len()], &packed).unwrap()
}

fn case(shape: Shape, finish: Finish, isa: Isa, layout: &str) -> (Case, Tensor) {
    let Shape {
        rows,
        columns,
        contracted,
        symbolic,
        gap,
    } = shape;
    let panel = panel_width(isa).unwrap();
    let bindings = [("M", rows), ("N", columns), ("K", contracted), ("G", gap)];
    let bindings = bindings.map(|(name, value)| (name.to_owned(), value as i64));
    let named = |name: &str, value: usize| {
        if symbolic {
            name.to_owned()
        } else {
            value.to_string()
        }
    };
    let (m, n, k) = (
        named("M", rows),
        named("N", columns),
        named("K", contracted),
    );
    let left_row = named("(K + G)", contracted + gap);
    let write_row = named("(N + G)", columns + gap);
    let right = floats(2, contracted * columns);
    let values = right.as_f32().unwrap();
    let (right_access, stored) = match layout {
        "packed" => (
            access(1, "0", &[]),
            packed(values, contracted, columns, panel),
        ),
        "rows" => (access(1, "0", &["1", &n]), right.clone()),
        _ => {
            let place = |place: usize| values[place % contracted * columns + place / contracted];
            let turned: Vec<f32> = (0..values.len()).map(place).collect();
            let turned = Tensor::from_f32(&[turned.len()], &turned).unwrap();
            (access(1, "0", &[&k, "1"]), turned)
        }
    };
    let right_layout = match layout {
        "packed" => RightLayout::Panels(panel),
        _ => RightLayout::Strided,
    };
    let work = Work::Contraction(Contraction {
        batch: Vec::new(),
        rows: vec![dim(&m)],
        columns: vec![dim(&n)],
        contracted: vec![dim(&k)],
        left: access(0, "0", &[&left_row, "1"]),
        right: right_access,
        right_layout,
        accumulator: F32,
        epilogue: finish.body(),
        reads: finish.reads(&write_row),
        write: access(2, "0", &[&write_row, "1"]),
    });
    let left = floats(1, rows * (contracted + gap));
    let results = rows * (columns + gap);
    let arguments = vec![
        left,
        stored,
        floats(7, results),
        floats(3, columns),
        floats(4, results),
        floats(5, rows),
        bools(6, results),
    ];
    let lengths: Vec<usize> = arguments.iter().map(Tensor::element_count).collect();
    let dtypes = [F32, F32, F32, F32, F32, F32, DType::Bool];
    let mut kernel = kernel(&dtypes, 0, &lengths, work);
    kernel.arguments[2].role = eyas_kernels::Role::Write;
    let case = Case {
        kernel,
        arguments,
        bindings: BTreeMap::from(bindings),
    };
    (case, right)
}

/// Sums in ascending order, rounded once a step, then the body.
fn expected(case: &Case, right: &Tensor, shape: Shape) -> Tensor {
    let Work::Contraction(contraction) = &case.kernel.work else {
        unreachable!()
    };
    let left = case.arguments[0].as_f32().unwrap();
    let right = right.as_f32().unwrap();
    let mut result = case.arguments[2].clone();
    for row in 0..shape.rows {
        for column in 0..shape.columns {
            let mut sum = 0f32;
            for k in 0..shape.contracted {
                let a = left[row * (shape.contracted + shape.gap) + k];
                sum = a.mul_add(right[k * shape.columns + column], sum);
            }
            let position = [row as i64, column as i64];
            let read = |access: &Access| {
                case.arguments[access.argument].get(case.place(access, &position))
            };
            let mut inputs = vec![Number::Float(sum.into())];
            inputs.extend(contraction.reads.iter().map(read));
            let values = evaluate_body(&contraction.epilogue, &inputs, &[], &case.bindings);
            let place = case.place(&contraction.write, &position);
            result.set(place, values.unwrap()[0]);
        }
    }
    result
}

fn check(shape: Shape, finish: Finish, layout: &str) {
    for isa in isas() {
        let (case, right) = case(shape, finish, isa, layout);
        let what = format!("{isa} {layout} {finish:?} {shape:?}");
        let Some(function) = case.compile(isa) else {
            // Bytes cannot be read under a mask in vectors of 256 bits.
            assert!(
                finish == Finish::Masked && isa == Isa::V3,
                "{what}: no wide form"
            );
            continue;
        };
        let expected = expected(&case, &right, shape);
        let found = &case.assert_as_twin(&function, isa, &what)[2];
        match finish {
            Finish::Gelu => assert_close(found, &expected, &what),
            _ => assert_same(found, &expected, &what),
        }
    }
}

fn finishes() -> impl Strategy<Value = Finish> {
    use Finish::*;
    prop::sample::select(vec![Nothing, BiasRelu, Residual, RowScale, Masked, Gelu])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn contractions_sum_in_ascending_order(
        rows in 1usize..40,
        columns in 1usize..150,
        contracted in 0usize..40,
        gap in 0usize..4,
        symbolic: bool,
        finish in finishes(),
        layout in prop::sample::select(vec!["packed", "rows", "columns"]),
    ) {
        let shape = Shape { rows, columns, contracted, symbolic, gap };
        check(shape, finish, layout);
    }
}

#[test]
fn many_rows_make_many_units() {
    for symbolic in [false, true] {
        let shape = Shape {
            rows: 211,
            columns: 70,
            contracted: 9,
            symbolic,
            gap: 1,
        };
        check(shape, Finish::BiasRelu, "packed");
        check(shape, Finish::Gelu, "rows");
    }
}
