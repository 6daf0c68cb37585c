use std::collections::BTreeMap;

use eyas_ir::Combine;
use eyas_kernels::{Access, Indirect, Kernel, Role, Scatter, Work};
use eyas_plan::Failure;
use eyas_tensor::{DType, Dim, Number, Tensor};

use crate::draw::{DTYPES, Draw, agrees, argument, dims, kernel};
use crate::launch::{Loaded, instruction_sets};

/// Six rows of three meet rows of a table of four by three.
fn rows(dtype: DType, combine: Combine) -> Kernel {
    let index = Access {
        argument: 1,
        offset: Dim::from(0),
        strides: dims(&[1, 0]),
        indirect: None,
    };
    let target = Access {
        argument: 2,
        offset: Dim::from(0),
        strides: dims(&[0, 1]),
        indirect: Some(Indirect {
            index: Box::new(index),
            stride: Dim::from(3),
            extent: Dim::from(4),
        }),
    };
    let scatter = Scatter {
        extents: dims(&[6, 3]),
        update: Access::dense(0, &dims(&[6, 3])).unwrap(),
        target,
        combine,
    };
    let arguments = vec![
        argument(dtype, Role::Read, 18),
        argument(DType::I32, Role::Read, 6),
        argument(dtype, Role::Update, 12),
    ];
    kernel("test.scatter", arguments, Work::Scatter(scatter))
}

#[test]
fn updates_meet_in_order_and_indices_are_checked() {
    let mut draw = Draw(1);
    for dtype in DTYPES {
        for combine in [
            Combine::Replace,
            Combine::Add,
            Combine::Maximum,
            Combine::Minimum,
        ] {
            let kernel = rows(dtype, combine);
            let places = [3, 0, 3, 1, 3, 0].map(Number::Int);
            let mut tensors = vec![
                draw.tensor(dtype, 18),
                Tensor::from_numbers(DType::I32, &[6], &places).unwrap(),
                draw.tensor(dtype, 12),
            ];
            agrees(&kernel, &tensors, &BTreeMap::new(), 0.0);
            tensors[1].set(4, Number::Int(4));
            for isa in instruction_sets() {
                let loaded = Loaded::new(std::slice::from_ref(&kernel), isa, false).unwrap();
                let failure = loaded.run(0, &mut tensors.clone(), &BTreeMap::new(), 0);
                let expected = Failure {
                    argument: 2,
                    index: 4,
                    extent: 4,
                };
                assert_eq!(failure, Err(expected));
            }
        }
    }
}
