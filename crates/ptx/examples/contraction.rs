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
/// Bytes of shared memory of a multiprocessor, of an A100; an H100 has more.
const SHARED: u32 = 164 * 1024;
/// Warps of a multiprocessor at most.
const WARPS: u32 = 64;
/// Multiprocessors of an H100.
const MULTIPROCESSORS: i64 = 132;

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

/// What a warp does in the loop over steps.
#[derive(Debug, Default)]
struct Step {
    instructions: u32,
    multiply_adds: u32,
    /// Of 32 lanes that load from or store to shared memory 128 bytes at a time.
    wavefronts: u32,
}

impl Step {
    /// The instructions from the label of the last such loop to the branch that leads back, without
    /// those for memory that is not aligned.
    fn of(text: &str) -> Step {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let is_loop = |line: &&str| line.starts_with("$step");
        let start = lines.iter().rposition(is_loop).unwrap_or(0);
        let label = lines[start].trim_end_matches(':');
        let back = |line: &&str| line.contains("bra ") && line.ends_with(&format!("{label};"));
        let end = lines.iter().rposition(back).unwrap_or(lines.len() - 1);
        let mut step = Step::default();
        let mut aligned = true;
        for line in &lines[start..=end] {
            match line {
                _ if line.starts_with("$else") => aligned = false,
                _ if line.starts_with("$done") => aligned = true,
                _ if aligned && line.ends_with(';') => step.take(line),
                _ => {}
            }
        }
        step
    }

    fn take(&mut self, line: &str) {
        self.instructions += 1;
        self.multiply_adds += u32::from(line.starts_with("fma."));
        // Lanes in pairs take what four of them load in two turns; a store takes four.
        self.wavefronts += match line {
            _ if line.starts_with("ld.shared.v4") => 2,
            _ if line.starts_with("st.shared.v4") => 4,
            _ if line.contains(".shared.") => 1,
            _ => 0,
        };
    }
}

fn percent(part: f64, whole: f64) -> f64 {
    100.0 * part / whole.max(1.0)
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let sizes = std::env::args().skip(1).map(|size| size.parse());
    let sizes: Vec<i64> = sizes.collect::<Result<_, _>>()?;
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
    let function = &code.functions[0];
    let threads = function.grid.as_ref().map_or(0, |grid| grid.threads);
    let units = function.units.as_constant().unwrap_or(0);
    for resources in assembler.assemble(&text, architecture)? {
        let by_registers = REGISTERS / (resources.registers.next_multiple_of(8).max(8) * threads);
        let by_shared = SHARED / resources.shared.max(1);
        let resident = by_registers.min(by_shared).min(WARPS * 32 / threads);
        let at_once = MULTIPROCESSORS * i64::from(resident);
        let turns = units / at_once.max(1) + i64::from(units % at_once.max(1) != 0);
        let step = Step::of(&text);
        // In a cycle a multiprocessor issues four warps' instructions and moves one wavefront.
        let issued = percent(step.multiply_adds.into(), step.instructions.into());
        let moved = percent(4.0 * f64::from(step.wavefronts), step.multiply_adds.into());
        let filled = percent(units as f64, (turns * at_once) as f64);
        let warps = resident * threads / 32;
        println!("// {}", resources.entry);
        println!("//   registers a thread     {}", resources.registers);
        println!("//   spilled bytes          {}", resources.spill_stores);
        println!("//   shared bytes a block   {}", resources.shared);
        println!("//   blocks at a time       {resident}, {warps} warps of {WARPS}");
        println!("//   multiply-adds          {issued:.0} % of what is issued in a step");
        println!("//   shared memory          {moved:.0} % of the time that these take");
        println!("//   blocks                 {units} in {turns} turns, {filled:.0} % filled");
    }
    Ok(ExitCode::SUCCESS)
}
