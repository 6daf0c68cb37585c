//! The text of a few entries, as reviewers read it.

use eyas_ir::{BinaryFunction, BodyBuilder, UnaryFunction};
use eyas_kernels::{Access, Argument, Indirect, Kernel, Map, Role, Work};
use eyas_plan::CudaArchitecture;
use eyas_tensor::{DType, Dim, Number};

use crate::device::text;
use crate::draw::{argument, dims, kernel};

fn dense(argument: usize, extents: &[Dim]) -> Access {
    Access::dense(argument, extents).unwrap()
}

#[test]
fn a_fused_elementwise_kernel() {
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
    insta::assert_snapshot!(text(&[kernel], CudaArchitecture::Sm80));
}

#[test]
fn a_transpose() {
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
    let kernel = kernel("keys.transpose", arguments, Work::Map(map));
    insta::assert_snapshot!(text(&[kernel], CudaArchitecture::Sm90a));
}

#[test]
fn a_gather() {
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
    let kernel: Kernel = kernel("embed", arguments, Work::Map(map));
    insta::assert_snapshot!(text(&[kernel], CudaArchitecture::Sm80));
}
