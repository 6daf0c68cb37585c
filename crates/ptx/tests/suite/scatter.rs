use eyas_ir::Combine;
use eyas_kernels::{Access, Argument, Indirect, Kernel, Role, Scatter, Work};
use eyas_plan::{CudaArchitecture, Failure};
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::device::{Bindings, Case, Loaded, all_agree};
use crate::draw::{DTYPES, Draw, argument, dims, kernel};

const COMBINES: [Combine; 4] = [
    Combine::Replace,
    Combine::Add,
    Combine::Maximum,
    Combine::Minimum,
];

/// Rows of updates meet rows of a table of four rows, `batch` times; the index is along the rows.
fn rows(dtype: DType, combine: Combine, [batch, count, columns]: [i64; 3]) -> Kernel {
    let index = Access {
        argument: 1,
        offset: Dim::from(0),
        strides: dims(&[count, 1, 0]),
        indirect: None,
    };
    let target = Access {
        argument: 2,
        offset: Dim::from(0),
        strides: dims(&[4 * columns, 0, 1]),
        indirect: Some(Indirect {
            index: Box::new(index),
            stride: Dim::from(columns),
            extent: Dim::from(4),
        }),
    };
    let extents = dims(&[batch, count, columns]);
    let scatter = Scatter {
        update: Access::dense(0, &extents).unwrap(),
        extents,
        target,
        combine,
    };
    let length = |count: i64| usize::try_from(count).unwrap();
    let arguments = vec![
        argument(dtype, Role::Read, length(batch * count * columns)),
        argument(DType::I32, Role::Read, length(batch * count)),
        argument(dtype, Role::Update, length(batch * 4 * columns)),
    ];
    kernel("test.scatter", arguments, Work::Scatter(scatter))
}

fn tensors(draw: &mut Draw, kernel: &Kernel) -> Vec<Tensor> {
    let length = |argument: &Argument| argument.length.as_constant().unwrap() as usize;
    let [update, index, target] = &kernel.arguments[..] else {
        panic!("three arguments");
    };
    let places: Vec<Number> = (0..length(index))
        .map(|_| Number::Int(draw.below(4) as i128))
        .collect();
    vec![
        draw.tensor(update.dtype, length(update)),
        Tensor::from_numbers(DType::I32, &[length(index)], &places).unwrap(),
        draw.tensor(target.dtype, length(target)),
    ]
}

#[test]
fn updates_meet_in_order_and_indices_are_checked() {
    let mut draw = Draw(1);
    let mut cases = Vec::new();
    for dtype in DTYPES {
        for combine in COMBINES {
            let shapes = [[3, 17, 5], [1, 6, 3], [2, 0, 3], [0, 2, 2], [1, 1, 1]];
            let shapes = match dtype {
                DType::F32 | DType::I32 => &shapes[..],
                _ => &shapes[..1],
            };
            for &shape in shapes {
                let kernel = rows(dtype, combine, shape);
                cases.push(Case {
                    arguments: tensors(&mut draw, &kernel),
                    kernel,
                    bindings: Bindings::new(),
                    tolerance: 0.0,
                });
            }
        }
    }
    all_agree(&cases);
    for combine in COMBINES {
        let kernel = rows(DType::I32, combine, [1, 6, 3]);
        let mut tensors = tensors(&mut draw, &kernel);
        tensors[1].set(4, Number::Int(4));
        let loaded = Loaded::new(&[kernel], CudaArchitecture::Sm80);
        let failure = loaded.run(0, &mut tensors, &Bindings::new(), 0);
        let expected = Failure {
            argument: 2,
            index: 4,
            extent: 4,
        };
        assert_eq!(failure.unwrap_err(), expected);
    }
}

#[test]
fn updates_that_cannot_be_told_apart_meet_one_after_the_other() {
    // Neighbours of the index overlap: places 2 * index + column.
    let mut draw = Draw(2);
    let mut cases = Vec::new();
    for combine in COMBINES {
        let mut kernel = rows(DType::F32, combine, [1, 9, 3]);
        if let Work::Scatter(scatter) = &mut kernel.work {
            let indirect = scatter.target.indirect.as_mut().unwrap();
            indirect.stride = Dim::from(2);
        }
        cases.push(Case {
            arguments: tensors(&mut draw, &kernel),
            kernel,
            bindings: Bindings::new(),
            tolerance: 0.0,
        });
    }
    all_agree(&cases);
}

#[test]
fn dims_are_read_when_the_kernel_runs() {
    let mut draw = Draw(3);
    let mut cases = Vec::new();
    let [n, c, v]: [Dim; 3] = ["N", "C", "V"].map(|name| name.parse().unwrap());
    for dtype in [DType::F32, DType::I64, DType::BF16] {
        for (rows, columns, table) in [(0, 3, 4), (5, 3, 4), (40, 0, 4), (9, 300, 2), (0, 2, 0)] {
            let index = Access {
                argument: 1,
                offset: Dim::from(0),
                strides: dims(&[1, 0]),
                indirect: None,
            };
            let extents = vec![n.clone(), c.clone()];
            let update = Access::dense(0, &extents).unwrap();
            let target = Access {
                argument: 2,
                offset: Dim::from(0),
                strides: dims(&[0, 1]),
                indirect: Some(Indirect {
                    index: Box::new(index),
                    stride: c.clone(),
                    extent: v.clone(),
                }),
            };
            let scatter = Scatter {
                extents,
                update,
                target,
                combine: Combine::Add,
            };
            let argument = |dtype, role, length| Argument {
                dtype,
                role,
                length,
            };
            let arguments = vec![
                argument(dtype, Role::Read, n.mul(&c).unwrap()),
                argument(DType::U8, Role::Read, n.clone()),
                argument(dtype, Role::Update, v.mul(&c).unwrap()),
            ];
            let places: Vec<Number> = (0..rows)
                .map(|_| Number::Int(draw.below(table) as i128))
                .collect();
            let names = ["N", "C", "V"].map(str::to_owned);
            let values = [rows, columns, table].map(|extent| extent as i64);
            cases.push(Case {
                kernel: kernel("test.scatter", arguments, Work::Scatter(scatter)),
                arguments: vec![
                    draw.tensor(dtype, rows * columns),
                    Tensor::from_numbers(DType::U8, &[rows], &places).unwrap(),
                    draw.tensor(dtype, table * columns),
                ],
                bindings: names.into_iter().zip(values).collect(),
                tolerance: 0.0,
            });
        }
    }
    all_agree(&cases);
}
