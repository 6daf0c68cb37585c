//! The text of a few entries, as reviewers read it.

use eyas_ir::{BinaryFunction, BodyBuilder, UnaryFunction};
use eyas_kernels::{Access, Argument, Indirect, Kernel, Map, Role, Work};
use eyas_plan::CudaArchitecture;
use eyas_tensor::{DType, Dim, Number};

use crate::device::{resources, text};
use crate::draw::{argument, dims, kernel};

fn dense(argument: usize, extents: &[Dim]) -> Access {
    Access::dense(argument, extents).unwrap()
}

#[test]
fn a_fused_elementwise_kernel() {
    insta::assert_snapshot!(text(&[elementwise()], CudaArchitecture::Sm80));
}

#[test]
fn a_transpose() {
    insta::assert_snapshot!(text(&[transpose()], CudaArchitecture::Sm90a));
}

#[test]
fn a_gather() {
    insta::assert_snapshot!(text(&[gather()], CudaArchitecture::Sm80));
}

#[test]
fn what_entries_take() {
    let mut lines = String::new();
    for architecture in CudaArchitecture::ALL {
        let kernels = [elementwise(), transpose(), gather()];
        let Some(all) = resources(&kernels, architecture) else {
            return;
        };
        for entry in all {
            assert_eq!((entry.spill_stores, entry.spill_loads), (0, 0));
            let (name, registers, shared) = (entry.entry, entry.registers, entry.shared);
            lines +=
                &format!("{architecture} {name}: {registers} registers, {shared} bytes shared\n");
        }
    }
    insta::assert_snapshot!(lines);
}

/// A bias and a relu.
fn elementwise() -> Kernel {
    let extents: Vec<Dim> = vec!["B".parse().unwrap(), Dim::from(128)];
    let mut builder = BodyBuilder::new();
    let (x, bias) = (builder.input(DType::F32), builder.input(DType::F32));
    let sum = builder.binary(BinaryFunction::Add, x, bias);
    let zero = builder.literal(DType::F32, Number::Int(0));
    let result = builder.binary(BinaryFunction::Maximum, sum, zero);
    let bias = Access {
        strides: dims(&[0, 1]),
        ..dense(1, &extents)
    };
    let map = Map {
        extents: extents.clone(),
        reads: vec![dense(0, &extents), bias],
        body: builder.finish(&[result]),
        writes: vec![dense(2, &extents)],
    };
    let all = |role| Argument {
        dtype: DType::F32,
        role,
        length: Dim::product(&extents).unwrap(),
    };
    let bias = argument(DType::F32, Role::Read, 128);
    let arguments = vec![all(Role::Read), bias, all(Role::Write)];
    let mut kernel = kernel("fc1.relu", arguments, Work::Map(map));
    kernel.origin.labels.insert("fc1.relu".to_owned());
    kernel
}

/// A matrix whose axes change places.
fn transpose() -> Kernel {
    let extents = dims(&[100, 64]);
    let mut builder = BodyBuilder::new();
    let x = builder.input(DType::F16);
    let map = Map {
        reads: vec![Access {
            strides: dims(&[1, 100]),
            ..dense(0, &extents)
        }],
        body: builder.finish(&[x]),
        writes: vec![dense(1, &extents)],
        extents,
    };
    let arguments = vec![
        argument(DType::F16, Role::Read, 6400),
        argument(DType::F16, Role::Write, 6400),
    ];
    kernel("keys.transpose", arguments, Work::Map(map))
}

/// Rows of a table.
fn gather() -> Kernel {
    let extents = dims(&[12, 3]);
    let table: Dim = "V".parse().unwrap();
    let mut builder = BodyBuilder::new();
    let x = builder.input(DType::F32);
    let result = builder.unary(UnaryFunction::Negate, x);
    let index = Access {
        strides: dims(&[1, 0]),
        ..dense(1, &extents)
    };
    let read = Access {
        strides: dims(&[0, 1]),
        indirect: Some(Indirect {
            index: Box::new(index),
            stride: Dim::from(3),
            extent: table.clone(),
        }),
        ..dense(0, &extents)
    };
    let map = Map {
        reads: vec![read],
        body: builder.finish(&[result]),
        writes: vec![dense(2, &extents)],
        extents,
    };
    let rows = Argument {
        dtype: DType::F32,
        role: Role::Read,
        length: table.mul(&Dim::from(3)).unwrap(),
    };
    let arguments = vec![
        rows,
        argument(DType::I64, Role::Read, 12),
        argument(DType::F32, Role::Write, 36),
    ];
    kernel("embed", arguments, Work::Map(map))
}
