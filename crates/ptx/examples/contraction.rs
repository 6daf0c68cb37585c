//! The PTX of `relu(a * b + bias)` in f32, 4096 rows, columns and terms each, and what limits it:
//!
//! ```sh
//! cargo run -p eyas-ptx --example contraction -- [ROWS COLUMNS TERMS]
//! ```

use std::process::ExitCode;

use eyas_ir::{BinaryFunction, BodyBuilder, Origin};
use eyas_kernels::{Access, Argument, Contraction, Kernel, RightLayout, Role, Work};
use eyas_plan::CudaArchitecture;
use eyas_ptx::{Assembler, Options, compile};
use eyas_tensor::{DType, Dim};

/// Registers of a multiprocessor.
const REGISTERS: u32 = 65_536;
/// Bytes of shared memory of a multiprocessor, of an A100.
const SHARED: u32 = 164 * 1024;
/// Warps of a multiprocessor.
const WARPS: u32 = 64;

fn matmul(rows: i64, columns: i64, terms: i64) -> Result<Kernel, eyas_tensor::DimError> {
    let [m, n, k] = [rows, columns, terms].map(Dim::from);
    let mut builder = BodyBuilder::new();
    let (sum, bias) = (builder.input(DType::F32), builder.input(DType::F32));
    let sum = builder.binary(BinaryFunction::Add, sum, bias);
    let zero = builder.float(DType::F32, 0.0);
    let relu = builder.binary(BinaryFunction::Maximum, sum, zero);
    let argument = |role, extents: &[Dim]| {
        let dtype = DType::F32;
        Dim::product(extents).map(|length| Argument {
            dtype,
            role,
            length,
        })
    };
    let bias = Access {
        argument: 2,
        offset: Dim::from(0),
        strides: vec![Dim::from(0), Dim::from(1)],
        indirect: None,
    };
    let mut right = Access::dense(1, &[k.clone(), n.clone()])?;
    right.strides.reverse();
    Ok(Kernel {
        name: "matmul".to_owned(),
        arguments: vec![
            argument(Role::Read, &[m.clone(), k.clone()])?,
            argument(Role::Read, &[k.clone(), n.clone()])?,
            argument(Role::Read, std::slice::from_ref(&n))?,
            argument(Role::Write, &[m.clone(), n.clone()])?,
        ],
        work: Work::Contraction(Contraction {
            batch: vec![],
            rows: vec![m.clone()],
            columns: vec![n.clone()],
            contracted: vec![k.clone()],
            left: Access::dense(0, &[m.clone(), k])?,
            right,
            right_layout: RightLayout::Strided,
            accumulator: DType::F32,
            epilogue: builder.finish(&[relu]),
            reads: vec![bias],
            write: Access::dense(3, &[m, n])?,
        }),
        origin: Origin::default(),
    })
}

/// What a warp does from one barrier to the next, as the text has it.
#[derive(Debug, Default)]
struct Step {
    multiply_adds: u32,
    /// Bytes that the lanes load from shared memory, a lane each.
    shared: u32,
}

impl Step {
    /// The instructions between the last two labels that hold multiply-adds.
    fn of(text: &str) -> Step {
        let mut step = Step::default();
        for line in text.lines().map(str::trim) {
            if line.starts_with("fma.rn.f32") {
                step.multiply_adds += 1;
            } else if line.starts_with("ld.shared.v4") {
                step.shared += 16;
            }
        }
        step
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let sizes: Vec<i64> = std::env::args()
        .skip(1)
        .map(|size| size.parse())
        .collect::<Result<_, _>>()?;
    let [rows, columns, terms] = <[i64; 3]>::try_from(sizes).unwrap_or([4096; 3]);
    let kernel = matmul(rows, columns, terms)?;
    let architecture = CudaArchitecture::Sm90a;
    let code = compile(&[kernel], &Options::new(architecture))?;
    let text = String::from_utf8(code.bytes)?;
    println!("{text}");
    let Some(assembler) = Assembler::find() else {
        eprintln!("there is no ptxas (tools/fetch-ptxas), so resources are not known");
        return Ok(ExitCode::FAILURE);
    };
    let threads = code.functions[0]
        .grid
        .as_ref()
        .map_or(0, |grid| grid.threads);
    for resources in assembler.assemble(&text, architecture)? {
        let by_registers = REGISTERS / (resources.registers.max(1).next_multiple_of(8) * threads);
        let by_shared = SHARED / resources.shared.max(1);
        let blocks = by_registers.min(by_shared).min(WARPS * 32 / threads);
        let step = Step::of(&text);
        // A load of 16 bytes a lane moves 512 bytes in four wavefronts of 128 at most, and in one
        // where the lanes read 128 bytes between them. In a cycle a multiprocessor issues four
        // warps' multiply-adds and moves one wavefront.
        let wavefronts = f64::from(step.shared) / 16.0;
        let fraction = 4.0 * wavefronts / f64::from(step.multiply_adds.max(1));
        println!("// {}", resources.entry);
        println!("//   registers a thread     {}", resources.registers);
        println!("//   spilled bytes          {}", resources.spill_stores);
        println!("//   shared bytes a block   {}", resources.shared);
        println!(
            "//   blocks at a time       {blocks}, {} warps of {WARPS}",
            blocks * threads / 32
        );
        println!(
            "//   shared wavefronts      {:.0} % of the cycles that multiply-adds take, four times that at worst",
            100.0 * fraction
        );
    }
    Ok(ExitCode::SUCCESS)
}
