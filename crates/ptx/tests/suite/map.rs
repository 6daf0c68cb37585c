use eyas_ir::{
    BinaryFunction, Body, BodyBuilder, Comparison, Distribution, ScalarId, ScalarOp, UnaryFunction,
};
use eyas_kernels::{Access, Indirect, Kernel, Map, Role, Work, random, row_major};
use eyas_plan::{CudaArchitecture, Failure};
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::device::{Bindings, Case, Loaded, agrees, all_agree};
use crate::draw::{DTYPES, Draw, argument, dims, kernel};

/// A map of dense tensors of one length, an input for each of the body's.
fn dense(body: Body, length: usize) -> Kernel {
    let outputs: Vec<DType> = body.outputs.iter().map(|id| body.node(*id).dtype).collect();
    let extents = dims(&[length as i64]);
    let access = |argument| Access::dense(argument, &extents).unwrap();
    let inputs = body.inputs.len();
    let mut arguments = Vec::new();
    arguments.extend(body.inputs.iter().map(|d| argument(*d, Role::Read, length)));
    arguments.extend(outputs.iter().map(|d| argument(*d, Role::Write, length)));
    let map = Map {
        reads: (0..inputs).map(access).collect(),
        writes: (inputs..inputs + outputs.len()).map(access).collect(),
        extents: extents.clone(),
        body,
    };
    kernel("test.map", arguments, Work::Map(map))
}

/// Vectors, what is left over, and single elements where memory is not aligned.
fn check(cases: &mut Vec<Case>, draw: &mut Draw, body: Body, tolerance: f64) {
    let kernel = dense(body, 67);
    let tensors = kernel.arguments.iter();
    let tensors: Vec<Tensor> = tensors.map(|a| draw.tensor(a.dtype, 67)).collect();
    cases.push(case(&kernel, &tensors, tolerance));
}

fn case(kernel: &Kernel, arguments: &[Tensor], tolerance: f64) -> Case {
    Case {
        kernel: kernel.clone(),
        arguments: arguments.to_vec(),
        bindings: Bindings::new(),
        tolerance,
    }
}

fn unary(dtype: DType, op: impl Fn(&mut BodyBuilder, ScalarId) -> ScalarId) -> Body {
    let mut builder = BodyBuilder::new();
    let a = builder.input(dtype);
    let result = op(&mut builder, a);
    builder.finish(&[result])
}

#[test]
fn every_type_is_copied() {
    let mut cases = Vec::new();
    let mut draw = Draw(1);
    for dtype in DTYPES {
        for length in [0, 1, 3, 16, 67, 320] {
            let kernel = dense(unary(dtype, |_, a| a), length);
            let tensors = [0; 2].map(|_| draw.tensor(dtype, length));
            cases.push(case(&kernel, &tensors, 0.0));
        }
    }
    all_agree(&cases);
}

#[test]
fn casts_between_all_types_round_once() {
    let mut cases = Vec::new();
    let mut draw = Draw(2);
    for from in DTYPES {
        for to in DTYPES {
            let body = unary(from, |builder, a| builder.cast(a, to));
            let kernel = dense(body, 83);
            let tensors: Vec<Tensor> = kernel
                .arguments
                .iter()
                .map(|a| match (from, to) {
                    // Many bits, so that halfway cases and both roundings come up.
                    (DType::F64 | DType::F32 | DType::I64 | DType::U64 | DType::I32, _) => {
                        many_bits(&mut draw, a.dtype)
                    }
                    _ => draw.tensor(a.dtype, 83),
                })
                .collect();
            cases.push(case(&kernel, &tensors, 0.0));
        }
    }
    all_agree(&cases);
}

fn many_bits(draw: &mut Draw, dtype: DType) -> Tensor {
    let numbers: Vec<Number> = (0..83)
        .map(|_| {
            let bits = (draw.below(1 << 31) as i128) << 31 | draw.below(1 << 31) as i128;
            match dtype.is_float() {
                true => {
                    let fraction = 1.0 + (draw.below(1 << 12) as f64) / 2048.0;
                    let tiny = [0.0, 2f64.powi(-40), -2f64.powi(-40)];
                    let scale = 2f64.powi(draw.below(44) as i32 - 30);
                    Number::Float((fraction + draw.pick(&tiny)) * scale)
                }
                false => Number::Int(bits >> draw.below(60)),
            }
        })
        .collect();
    Tensor::from_numbers(dtype, &[83], &numbers).unwrap()
}

#[test]
fn arithmetic_of_every_type_is_exact() {
    use BinaryFunction::*;
    let mut cases = Vec::new();
    let mut draw = Draw(3);
    for dtype in DTYPES {
        let functions: &[BinaryFunction] = match dtype {
            _ if dtype.is_float() => &[Add, Subtract, Multiply, Divide],
            DType::Bool => &[And, Or, Xor],
            _ => &[
                Add,
                Subtract,
                Multiply,
                Divide,
                FloorDivide,
                Remainder,
                Maximum,
                Minimum,
                And,
                Or,
                Xor,
            ],
        };
        let mut builder = BodyBuilder::new();
        let (a, b) = (builder.input(dtype), builder.input(dtype));
        let mut results: Vec<ScalarId> = functions
            .iter()
            .map(|function| builder.binary(*function, a, b))
            .collect();
        let unary: &[UnaryFunction] = match dtype {
            _ if dtype.is_float() => {
                use UnaryFunction::*;
                &[Negate, Absolute, Floor, Ceil, Round, Sqrt, Reciprocal]
            }
            DType::Bool => &[UnaryFunction::Not],
            _ => &[
                UnaryFunction::Negate,
                UnaryFunction::Absolute,
                UnaryFunction::Not,
                UnaryFunction::Sign,
            ],
        };
        results.extend(unary.iter().map(|function| builder.unary(*function, a)));
        for result in results {
            check(
                &mut cases,
                &mut draw,
                builder.clone().finish(&[result]),
                0.0,
            );
        }
    }
    all_agree(&cases);
}

#[test]
fn comparisons_and_choices_follow_the_types() {
    use Comparison::*;
    let mut cases = Vec::new();
    let mut draw = Draw(4);
    for dtype in DTYPES {
        let all = [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual];
        for comparison in all {
            let mut builder = BodyBuilder::new();
            let (a, b) = (builder.input(dtype), builder.input(dtype));
            let holds = builder.compare(comparison, a, b);
            let chosen = builder.select(holds, b, a);
            check(
                &mut cases,
                &mut draw,
                builder.clone().finish(&[chosen]),
                0.0,
            );
            check(&mut cases, &mut draw, builder.finish(&[holds]), 0.0);
        }
    }
    all_agree(&cases);
}

#[test]
fn extremes_carry_nan() {
    let mut cases = Vec::new();
    let mut draw = Draw(5);
    for dtype in [DType::F64, DType::F32, DType::F16, DType::BF16] {
        for function in [BinaryFunction::Maximum, BinaryFunction::Minimum] {
            for bound in [0.0, -2.5] {
                let mut builder = BodyBuilder::new();
                let (a, b) = (builder.input(dtype), builder.input(dtype));
                let number = builder.float(dtype, bound);
                let both = builder.binary(function, a, b);
                let bounded = builder.binary(function, both, number);
                // Adding 1 hides the sign of a zero, which may be either.
                let one = builder.float(dtype, 1.0);
                let result = builder.binary(BinaryFunction::Add, bounded, one);
                check(&mut cases, &mut draw, builder.finish(&[result]), 0.0);
            }
        }
    }
    all_agree(&cases);
}

#[test]
fn multiply_adds_round_once_with_or_without_the_instruction() {
    let mut cases = Vec::new();
    let mut draw = Draw(6);
    for dtype in DTYPES.into_iter().filter(|dtype| *dtype != DType::Bool) {
        let mut builder = BodyBuilder::new();
        let [a, b, c] = [0; 3].map(|_| builder.input(dtype));
        let sum = builder.multiply_add(a, b, c);
        check(&mut cases, &mut draw, builder.finish(&[sum]), 0.0);
    }
    for dtype in [DType::F32, DType::F64] {
        let mut builder = BodyBuilder::new();
        let [a, b, c] = [0; 3].map(|_| builder.input(dtype));
        let sum = builder.multiply_add(a, b, c);
        let kernel = dense(builder.finish(&[sum]), 83);
        for _ in 0..20 {
            let tensors: Vec<Tensor> = (0..4).map(|_| many_bits(&mut draw, dtype)).collect();
            cases.push(case(&kernel, &tensors, 0.0));
        }
    }
    all_agree(&cases);
}

#[test]
fn bits_move() {
    let mut cases = Vec::new();
    let mut draw = Draw(7);
    for dtype in DTYPES.into_iter().filter(|dtype| dtype.is_integer()) {
        for by in [0, 3, 7, 40] {
            if by as usize >= dtype.bits() {
                continue;
            }
            for op in [ScalarOp::ShiftLeft, ScalarOp::ShiftRight] {
                let body = unary(dtype, |builder, a| builder.push(op(a, by), dtype));
                check(&mut cases, &mut draw, body, 0.0);
            }
        }
    }
    for (from, to) in [
        (DType::F32, DType::U32),
        (DType::I64, DType::F64),
        (DType::I32, DType::U32),
        (DType::I8, DType::U8),
        (DType::U16, DType::BF16),
        (DType::F16, DType::I16),
    ] {
        let body = unary(from, |builder, a| builder.push(ScalarOp::Bitcast(a), to));
        check(&mut cases, &mut draw, body, 0.0);
    }
    all_agree(&cases);
}

#[test]
fn functions_are_close() {
    use UnaryFunction::*;
    let mut cases = Vec::new();
    let mut draw = Draw(8);
    for (dtype, tolerance) in [
        (DType::F32, 3e-7),
        (DType::F64, 1e-14),
        (DType::F16, 1e-3),
        (DType::BF16, 1e-2),
    ] {
        for function in [Exp, Log, Sin, Cos, Tanh, Erf, Rsqrt, Sign] {
            // Away from numbers whose results swallow the error of all others.
            let body = unary(dtype, |builder, a| {
                let (low, high) = (builder.float(dtype, 0.1), builder.float(dtype, 4.0));
                let a = builder.binary(BinaryFunction::Maximum, a, low);
                let a = builder.binary(BinaryFunction::Minimum, a, high);
                builder.unary(function, a)
            });
            check(&mut cases, &mut draw, body, tolerance);
        }
    }
    all_agree(&cases);
}

/// A read with strides of a tensor large enough for it.
fn strided(draw: &mut Draw, argument: usize, extents: &[i64]) -> (Access, usize) {
    let mut strides: Vec<i64> = Vec::new();
    let mut stride = draw.pick(&[1, 1, 1, 2]);
    for extent in extents.iter().rev() {
        let broadcast = draw.below(4) == 0;
        strides.push(if broadcast { 0 } else { stride });
        if !broadcast {
            stride *= extent.max(&1);
        }
    }
    strides.reverse();
    if draw.below(3) == 0 && extents.len() > 1 {
        strides.swap(0, extents.len() - 1);
    }
    let offset = draw.below(5) as i64;
    let reach = strides.iter().zip(extents);
    let reach: i64 = reach
        .map(|(stride, extent)| stride * (extent - 1).max(0))
        .sum();
    let access = Access {
        argument,
        offset: Dim::from(offset),
        strides: dims(&strides),
        indirect: None,
    };
    (access, (offset + reach + 1) as usize)
}

#[test]
fn any_strides_and_extents_are_walked() {
    let mut cases = Vec::new();
    let mut draw = Draw(9);
    for _ in 0..60 {
        let rank = draw.below(4);
        let extents: Vec<i64> = (0..rank)
            .map(|_| draw.pick(&[1, 2, 3, 5, 8, 19, 33]))
            .collect();
        let dtype = draw.pick(&[DType::F32, DType::F32, DType::F64, DType::I32, DType::U8]);
        let mut builder = BodyBuilder::new();
        let (a, b) = (builder.input(dtype), builder.input(dtype));
        let mut sum = builder.binary(BinaryFunction::Add, a, b);
        if rank > 0 && draw.below(3) == 0 {
            let axis = draw.below(rank) as u32;
            let place = builder.push(ScalarOp::Index(axis), DType::I64);
            let place = builder.cast(place, dtype);
            sum = builder.binary(BinaryFunction::Add, sum, place);
        }
        let (first, first_length) = strided(&mut draw, 0, &extents);
        let (second, second_length) = strided(&mut draw, 1, &extents);
        let length = extents.iter().product::<i64>() as usize;
        let map = Map {
            reads: vec![first, second],
            writes: vec![Access::dense(2, &dims(&extents)).unwrap()],
            extents: dims(&extents),
            body: builder.finish(&[sum]),
        };
        let arguments = vec![
            argument(dtype, Role::Read, first_length),
            argument(dtype, Role::Read, second_length),
            argument(dtype, Role::Write, length),
        ];
        let tensors: Vec<Tensor> = [first_length, second_length, length]
            .into_iter()
            .map(|length| draw.tensor(dtype, length))
            .collect();
        let kernel = kernel("test.strided", arguments, Work::Map(map));
        cases.push(case(&kernel, &tensors, 0.0));
    }
    all_agree(&cases);
}

#[test]
fn strides_that_are_dims_may_allow_vectors() {
    let mut draw = Draw(18);
    let mut cases = Vec::new();
    let extents: Vec<Dim> = ["A", "B", "C"].map(|name| name.parse().unwrap()).to_vec();
    let length = Dim::product(&extents).unwrap();
    for dtype in [DType::F32, DType::F16, DType::U8, DType::F64, DType::Bool] {
        for broadcast in [0b000, 0b001, 0b011, 0b100] {
            let mut builder = BodyBuilder::new();
            let (a, b) = (builder.input(dtype), builder.input(dtype));
            let result = match dtype {
                DType::Bool => builder.binary(BinaryFunction::And, a, b),
                _ => builder.binary(BinaryFunction::Multiply, a, b),
            };
            // One operand is the same along some axes, and begins D elements on.
            let mut kept = extents.clone();
            for (axis, extent) in kept.iter_mut().enumerate() {
                if broadcast >> axis & 1 == 1 {
                    *extent = Dim::from(1);
                }
            }
            let mut second = Access::dense(1, &kept).unwrap();
            second.offset = "D".parse().unwrap();
            for (axis, stride) in second.strides.iter_mut().enumerate() {
                if broadcast >> axis & 1 == 1 {
                    *stride = Dim::from(0);
                }
            }
            let argument = |role, length: &Dim| eyas_kernels::Argument {
                dtype,
                role,
                length: length.clone(),
            };
            let shifted = Dim::product(&kept).unwrap();
            let shifted = shifted.add(&second.offset).unwrap();
            let map = Map {
                reads: vec![Access::dense(0, &extents).unwrap(), second],
                writes: vec![Access::dense(2, &extents).unwrap()],
                extents: extents.clone(),
                body: builder.finish(&[result]),
            };
            let arguments = vec![
                argument(Role::Read, &length),
                argument(Role::Read, &shifted),
                argument(Role::Write, &length),
            ];
            let kernel = kernel("test.symbolic", arguments, Work::Map(map));
            for values in [[2, 3, 16, 0], [3, 2, 16, 16], [2, 2, 16, 1], [2, 3, 5, 0]] {
                let names = ["A", "B", "C", "D"].map(str::to_owned);
                let bindings: Bindings = names.into_iter().zip(values).collect();
                let value = |dim: &Dim| {
                    let bound = |name: &str| bindings.get(name).copied();
                    dim.evaluate(&bound).unwrap() as usize
                };
                let arguments = kernel.arguments.iter();
                let arguments = arguments.map(|a| draw.tensor(dtype, value(&a.length)));
                cases.push(Case {
                    arguments: arguments.collect(),
                    kernel: kernel.clone(),
                    bindings,
                    tolerance: 0.0,
                });
            }
        }
    }
    all_agree(&cases);
}

#[test]
fn dims_are_read_when_the_kernel_runs() {
    let extents: Vec<Dim> = ["B", "S", "2*S"].map(|text| text.parse().unwrap()).to_vec();
    let mut builder = BodyBuilder::new();
    let a = builder.input(DType::F32);
    let extent = builder.push(ScalarOp::Extent("B*S".parse().unwrap()), DType::F32);
    let quotient = builder.binary(BinaryFunction::Divide, a, extent);
    let length = Dim::product(&extents).unwrap();
    let mut read = Access::dense(0, &extents).unwrap();
    // The last two axes change places in the result.
    let write = Access {
        argument: 1,
        strides: {
            let order = [extents[0].clone(), extents[2].clone(), extents[1].clone()];
            let strides = row_major(&order).unwrap();
            vec![strides[0].clone(), strides[2].clone(), strides[1].clone()]
        },
        ..read.clone()
    };
    read.argument = 0;
    let map = Map {
        extents,
        reads: vec![read],
        writes: vec![write],
        body: builder.finish(&[quotient]),
    };
    let argument = |role| eyas_kernels::Argument {
        dtype: DType::F32,
        role,
        length: length.clone(),
    };
    let arguments = vec![argument(Role::Read), argument(Role::Write)];
    let kernel = kernel("test.symbolic", arguments, Work::Map(map));
    let mut draw = Draw(10);
    for (b, s) in [(0, 3), (1, 1), (2, 0), (3, 5), (2, 40)] {
        let bindings = Bindings::from([("B".to_owned(), b), ("S".to_owned(), s)]);
        let length = (2 * b * s * s) as usize;
        let tensors = [0; 2].map(|_| draw.tensor(DType::F32, length));
        agrees(&kernel, &tensors, &bindings, 0.0);
    }
}

/// Rows of a table of five by eight, picked by an index for each of four rows; or columns.
fn gather(rows: bool, dtype: DType) -> Kernel {
    let [row, column] = if rows { [8, 1] } else { [1, 8] };
    let index = Access {
        argument: 1,
        offset: Dim::from(0),
        strides: dims(&if rows { [1, 0] } else { [0, 1] }),
        indirect: None,
    };
    let read = Access {
        argument: 0,
        offset: Dim::from(0),
        strides: dims(&if rows { [0, 1] } else { [8, 0] }),
        indirect: Some(Indirect {
            index: Box::new(index),
            stride: Dim::from(if rows { row } else { row.min(column) }),
            extent: Dim::from(if rows { 5 } else { 8 }),
        }),
    };
    let extents = if rows { [4, 8] } else { [5, 4] };
    let length = extents[0] * extents[1];
    let map = Map {
        extents: dims(&extents),
        reads: vec![read],
        writes: vec![Access::dense(2, &dims(&extents)).unwrap()],
        body: unary(DType::F32, |_, a| a),
    };
    let arguments = vec![
        argument(DType::F32, Role::Read, 40),
        argument(dtype, Role::Read, 4),
        argument(DType::F32, Role::Write, length as usize),
    ];
    kernel("test.gather", arguments, Work::Map(map))
}

#[test]
fn gathers_check_their_index() {
    let mut draw = Draw(11);
    for dtype in [DType::I64, DType::I32, DType::U8, DType::U64] {
        for rows in [true, false] {
            let kernel = gather(rows, dtype);
            let length = if rows { 32 } else { 20 };
            let mut tensors = vec![
                draw.tensor(DType::F32, 40),
                Tensor::from_numbers(dtype, &[4], &[3, 0, 4, 1].map(Number::Int)).unwrap(),
                draw.tensor(DType::F32, length),
            ];
            agrees(&kernel, &tensors, &Bindings::new(), 0.0);
            let bad = if dtype.is_signed() { -1 } else { 200 };
            tensors[1].set(2, Number::Int(bad));
            let kernels = std::slice::from_ref(&kernel);
            let loaded = Loaded::new(kernels, CudaArchitecture::Sm80);
            let failure = loaded.run(0, &mut tensors.clone(), &Bindings::new(), 0);
            let expected = Failure {
                argument: 0,
                index: bad as i64,
                extent: if rows { 5 } else { 8 },
            };
            assert_eq!(failure.unwrap_err(), expected);
        }
    }
}

#[test]
fn places_are_compared_and_converted() {
    let mut cases = Vec::new();
    let mut draw = Draw(13);
    let extents = dims(&[5, 23]);
    use Comparison::*;
    for comparison in [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual] {
        for swapped in [false, true] {
            for bound in [None, Some(7), Some(i64::MIN), Some(i64::MAX)] {
                let mut builder = BodyBuilder::new();
                let x = builder.input(DType::F32);
                let column = builder.push(ScalarOp::Index(1), DType::I64);
                let other = match bound {
                    None => builder.push(ScalarOp::Index(0), DType::I64),
                    Some(bound) => builder.integer(DType::I64, bound),
                };
                let holds = match swapped {
                    true => builder.compare(comparison, other, column),
                    false => builder.compare(comparison, column, other),
                };
                let number = builder.cast(column, DType::F32);
                let result = builder.select(holds, x, number);
                let map = Map {
                    extents: extents.clone(),
                    reads: vec![Access::dense(0, &extents).unwrap()],
                    writes: vec![Access::dense(1, &extents).unwrap()],
                    body: builder.finish(&[result]),
                };
                let arguments = vec![
                    argument(DType::F32, Role::Read, 115),
                    argument(DType::F32, Role::Write, 115),
                ];
                let kernel = kernel("test.mask", arguments, Work::Map(map));
                let tensors = [0; 2].map(|_| draw.tensor(DType::F32, 115));
                cases.push(case(&kernel, &tensors, 0.0));
            }
        }
    }
    all_agree(&cases);
}

#[test]
fn operands_need_no_alignment() {
    let mut cases = Vec::new();
    let mut draw = Draw(14);
    for dtype in [DType::F32, DType::F64, DType::I32, DType::F16] {
        let mut builder = BodyBuilder::new();
        let a = builder.input(dtype);
        let two = builder.literal(dtype, Number::Int(2));
        let mut result = two;
        use Comparison::*;
        for comparison in [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual] {
            // The input as either operand of a comparison, and of a sum.
            for (first, second) in [(a, two), (two, a)] {
                let holds = builder.compare(comparison, first, second);
                let sum = builder.binary(BinaryFunction::Add, result, a);
                result = builder.select(holds, sum, result);
            }
        }
        let body = builder.finish(&[result]);
        let single = unary(dtype, |builder, a| {
            let two = builder.literal(dtype, Number::Int(2));
            let holds = builder.compare(GreaterOrEqual, two, a);
            builder.select(holds, two, two)
        });
        for body in [body, single] {
            let mut kernel = dense(body, 67);
            for argument in &mut kernel.arguments {
                argument.length = Dim::from(68);
            }
            if let Work::Map(map) = &mut kernel.work {
                map.reads[0].offset = Dim::from(1);
                map.writes[0].offset = Dim::from(1);
            }
            let tensors = [0; 2].map(|_| draw.tensor(dtype, 68));
            cases.push(case(&kernel, &tensors, 0.0));
        }
    }
    all_agree(&cases);
}

#[test]
fn long_axes_are_cut_in_units() {
    let mut cases = Vec::new();
    let mut draw = Draw(12);
    let body = unary(DType::F32, |builder, a| {
        builder.unary(UnaryFunction::Negate, a)
    });
    let kernel = dense(body, 50_001);
    let tensors = [0; 2].map(|_| draw.tensor(DType::F32, 50_001));
    cases.push(case(&kernel, &tensors, 0.0));
    let loaded = Loaded::new(&[kernel], CudaArchitecture::Sm80);
    assert!(loaded.function(0).units.as_constant() > Some(4));
    all_agree(&cases);
}

#[test]
fn eight_bit_floats_are_computed_with_too() {
    let mut draw = Draw(15);
    let mut cases = Vec::new();
    for dtype in [DType::F8E4M3, DType::F8E5M2] {
        for to in [dtype, DType::F32, DType::F8E5M2, DType::BF16] {
            let body = unary(dtype, |builder, a| {
                let sum = builder.binary(BinaryFunction::Add, a, a);
                builder.cast(sum, to)
            });
            check(&mut cases, &mut draw, body, 0.0);
        }
    }
    all_agree(&cases);
}

#[test]
fn random_numbers_have_the_bits_of_the_interpreter() {
    let mut cases = Vec::new();
    let mut draw = Draw(16);
    for distribution in [Distribution::Bits, Distribution::Uniform] {
        for length in [1, 7, 4 * 256 + 3] {
            let mut builder = BodyBuilder::new();
            let seed = builder.input(DType::I64);
            let place = builder.push(ScalarOp::Index(0), DType::I64);
            let number = random(&mut builder, distribution, 0x1234_5678_9abc, &[seed], place);
            let dtype = builder.dtype(number);
            let map = Map {
                extents: dims(&[length]),
                reads: vec![Access {
                    strides: dims(&[0]),
                    ..Access::dense(0, &dims(&[length])).unwrap()
                }],
                body: builder.finish(&[number]),
                writes: vec![Access::dense(1, &dims(&[length])).unwrap()],
            };
            let arguments = vec![
                argument(DType::I64, Role::Read, 1),
                argument(dtype, Role::Write, length as usize),
            ];
            let kernel = kernel("test.random", arguments, Work::Map(map));
            let tensors = [
                draw.tensor(DType::I64, 1),
                draw.tensor(dtype, length as usize),
            ];
            cases.push(case(&kernel, &tensors, 0.0));
        }
    }
    all_agree(&cases);
}

#[test]
fn gathers_of_an_empty_table_fail_and_read_nothing() {
    let mut kernel = gather(true, DType::I32);
    let table: Dim = "V".parse().unwrap();
    kernel.arguments[0].length = table.mul(&Dim::from(8)).unwrap();
    if let Work::Map(map) = &mut kernel.work {
        map.reads[0].indirect.as_mut().unwrap().extent = table;
    }
    let mut draw = Draw(17);
    let mut tensors = vec![
        draw.tensor(DType::F32, 0),
        Tensor::from_numbers(DType::I32, &[4], &[Number::Int(0); 4]).unwrap(),
        draw.tensor(DType::F32, 32),
    ];
    let loaded = Loaded::new(&[kernel], CudaArchitecture::Sm80);
    let bindings = Bindings::from([("V".to_owned(), 0)]);
    let failure = loaded.run(0, &mut tensors, &bindings, 0);
    let expected = Failure {
        argument: 0,
        index: 0,
        extent: 0,
    };
    assert_eq!(failure.unwrap_err(), expected);
}
