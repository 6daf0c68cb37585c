use std::fmt::Write;

use eyas_ir::{Extreme, Reduction};
use eyas_kernels::{Fold, Kernel};
use eyas_plan::CudaArchitecture;
use eyas_tensor::DType;

use crate::device::{resources, text};
use crate::reduce::{Folded, fold, layer_norm, softmax};

#[test]
fn a_softmax_of_a_model_reads_well() {
    let kernel = softmax(DType::F32, "B", "10", false);
    insta::assert_snapshot!(text(&[kernel], CudaArchitecture::Sm80));
}

#[test]
fn a_sum_that_blocks_share_reads_well() {
    let sum = Fold::Value(Reduction::Sum);
    let kernel = fold(DType::F32, sum, "1", "1000000", Folded::Last);
    insta::assert_snapshot!(text(&[kernel], CudaArchitecture::Sm90a));
}

fn named(name: &str, kernel: Kernel) -> Kernel {
    let name = name.to_owned();
    Kernel { name, ..kernel }
}

#[test]
fn registers_suffice_for_what_is_kept() {
    let (f32, bf16) = (DType::F32, DType::BF16);
    let sum = Fold::Value(Reduction::Sum);
    let first = Fold::Arg(Extreme::Maximum);
    let kernels = [
        named("softmax_10", softmax(f32, "B", "10", false)),
        named("softmax_64", softmax(f32, "B", "64", false)),
        named("softmax_1000", softmax(f32, "B", "1000", false)),
        named("softmax_1024_f16", softmax(DType::F16, "B", "1024", false)),
        named("softmax_4096", softmax(f32, "B", "4096", false)),
        named("softmax_16384", softmax(f32, "B", "16384", false)),
        named("softmax_50257", softmax(f32, "B", "50257", false)),
        named("softmax_any", softmax(f32, "B", "S", false)),
        named("softmax_f64", softmax(DType::F64, "B", "512", false)),
        named("layer_norm_768", layer_norm(f32, "B", "768", ["768", "1"])),
        named(
            "layer_norm_4096",
            layer_norm(bf16, "B", "4096", ["4096", "1"]),
        ),
        named(
            "layer_norm_columns",
            layer_norm(f32, "512", "64", ["1", "512"]),
        ),
        named("sum_1000000", fold(f32, sum, "1", "1000000", Folded::Last)),
        named("sum_columns", fold(f32, sum, "128", "B", Folded::First)),
        named("sum_any", fold(f32, sum, "B", "S", Folded::Last)),
        named("arg_1000", fold(f32, first, "B", "1000", Folded::Last)),
        named("arg_any", fold(DType::F64, first, "B", "S", Folded::Last)),
    ];
    let mut table = String::new();
    for architecture in CudaArchitecture::ALL {
        let Some(all) = resources(&kernels, architecture) else {
            return;
        };
        writeln!(table, "{architecture}").unwrap();
        for entry in all {
            assert_eq!(
                (entry.spill_stores, entry.spill_loads),
                (0, 0),
                "{}",
                entry.entry
            );
            let (name, registers, shared) = (entry.entry, entry.registers, entry.shared);
            writeln!(
                table,
                "  {name:<20} {registers:>3} registers {shared:>5} bytes"
            )
            .unwrap();
        }
    }
    insta::assert_snapshot!(table);
}
