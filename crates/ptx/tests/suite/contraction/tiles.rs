use eyas_ir::{BinaryFunction, BodyBuilder};
use eyas_kernels::{Argument, Kernel, RightLayout, Role, Work};
use eyas_plan::CudaArchitecture;
use eyas_tensor::{DType, Dim};

use super::layers::{epilogues, gathering};
use super::{STRAIGHT, Turned, Types, access, batched, bindings, case, matrices};
use crate::device::{Bindings, all_agree, resources, text};
use crate::draw::{Draw, argument, dims};

/// Every tile at its edges: few rows, a small one, a large one, and one between.
#[test]
fn the_tile_is_taken_by_how_many_rows_there_are() {
    let mut draw = Draw(9);
    let mut cases = Vec::new();
    for (size, rows, columns) in [
        (["M", "20", "520"], 8, 20),
        (["M", "20", "520"], 9, 20),
        (["M", "8196", "9"], 128, 8196),
        (["M", "N", "K"], 255, 65),
        (["M", "N", "K"], 257, 66),
    ] {
        let kernel = matrices(Types::all(DType::F32), size, STRAIGHT);
        let terms = size[2].parse().unwrap_or(21);
        cases.push(case(
            &mut draw,
            kernel,
            &bindings([rows, columns, terms]),
            0.0,
        ));
    }
    for dtype in [DType::F64, DType::I32] {
        let size = ["520", "1028", "9"];
        let kernel = matrices(Types::all(dtype), size, STRAIGHT);
        cases.push(case(&mut draw, kernel, &Bindings::new(), 0.0));
    }
    all_agree(&cases);
}

/// Matrices with one of the [`epilogues`], the first of which is none here.
fn layer(name: &str, types: Types, size: [&str; 3], turned: Turned, epilogue: usize) -> Kernel {
    let mut kernel = matrices(types, size, turned);
    kernel.name = name.to_owned();
    if epilogue == 0 {
        return kernel;
    }
    let (body, _) = epilogues().swap_remove(epilogue);
    let [rows, columns] = [size[0], size[1]].map(|text| text.parse::<Dim>().unwrap());
    if let Work::Contraction(contraction) = &mut kernel.work {
        for read in 1..body.inputs.len() {
            let whole = read == 3;
            let row = if whole { columns.clone() } else { Dim::from(0) };
            let strides = [row, Dim::from(1)];
            contraction.reads.push(access(2 + read, 0, &strides));
            let rows = if whole { rows.clone() } else { Dim::from(1) };
            kernel.arguments.push(Argument {
                dtype: DType::F32,
                role: Role::Read,
                length: columns.mul(&rows).unwrap(),
            });
        }
        contraction.epilogue = body;
    }
    kernel
}

#[test]
fn nothing_is_spilled() {
    let f32 = Types::all(DType::F32);
    let narrow = Types {
        accumulator: DType::F32,
        ..Types::all(DType::F16)
    };
    let turned = Turned {
        right: true,
        ..STRAIGHT
    };
    let square = ["4096", "4096", "4096"];
    let odd = ["4095", "4097", "4099"];
    let free = ["M", "N", "K"];
    let kernels = [
        layer("large.relu", f32, square, STRAIGHT, 1),
        layer("large.turned.gelu", f32, square, turned, 2),
        layer("large.odd.residual", f32, odd, STRAIGHT, 3),
        layer("large.half", narrow, square, STRAIGHT, 0),
        layer("large.double", Types::all(DType::F64), square, STRAIGHT, 0),
        layer("free.rows.residual", f32, ["M", "768", "768"], turned, 3),
        layer("free.rows.gelu", f32, ["M", "3072", "768"], STRAIGHT, 2),
        layer("medium.gelu", f32, ["1024", "1024", "1024"], STRAIGHT, 2),
        layer("small.gelu", f32, ["M", "64", "64"], STRAIGHT, 2),
        layer("few.rows.relu", f32, ["1", "4096", "4096"], turned, 1),
        layer("free.gelu", f32, free, STRAIGHT, 2),
        layer("free.double", Types::all(DType::F64), free, STRAIGHT, 0),
        layer("free.long", Types::all(DType::I64), free, STRAIGHT, 0),
        layer("free.half", Types::all(DType::F16), free, STRAIGHT, 0),
        batched(DType::F32, RightLayout::Strided),
        gathering(),
    ];
    let mut table = String::from("entry                  target  registers  shared\n");
    for architecture in CudaArchitecture::ALL {
        let Some(entries) = resources(&kernels, architecture) else {
            return;
        };
        for entry in entries {
            let spilled = (entry.spill_stores, entry.spill_loads, entry.stack);
            assert_eq!(spilled, (0, 0, 0), "{} is spilled", entry.entry);
            let (name, target) = (entry.entry, architecture.to_string());
            let (registers, shared) = (entry.registers, entry.shared);
            let line = format!("{name:22} {target:6} {registers:10} {shared:7}\n");
            table.push_str(&line);
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_text_of_a_layer_with_bias_and_relu() {
    let mut builder = BodyBuilder::new();
    let (sum, bias) = (builder.input(DType::F32), builder.input(DType::F32));
    let sum = builder.binary(BinaryFunction::Add, sum, bias);
    let zero = builder.float(DType::F32, 0.0);
    let relu = builder.binary(BinaryFunction::Maximum, sum, zero);
    let mut kernel = matrices(Types::all(DType::F32), ["B", "10", "128"], STRAIGHT);
    kernel.name = "fc2.relu".to_owned();
    kernel.arguments.push(argument(DType::F32, Role::Read, 10));
    if let Work::Contraction(contraction) = &mut kernel.work {
        contraction.reads.push(access(3, 0, &dims(&[0, 1])));
        contraction.epilogue = builder.finish(&[relu]);
    }
    insta::assert_snapshot!(text(&[kernel], CudaArchitecture::Sm80));
}
