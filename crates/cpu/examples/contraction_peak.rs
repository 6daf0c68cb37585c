//! What share of a core's peak the wide contraction reaches.
//!
//! `cargo run --release -p eyas-cpu --example contraction_peak [rounds]`
//!
//! The peak is measured by a loop of independent multiply-adds, alternated with the contractions,
//! so that both meet the same machine. Baked and symbolic forms of each size are measured.

use std::error::Error;
use std::time::Duration;

use eyas_cpu::{compile_wide, panel_width};
use eyas_ir::{BinaryFunction, Body, BodyBuilder, Composite, Op, Origin, scalar_body};
use eyas_kernels::{Access, Argument, Contraction, Kernel, RightLayout, Role, Work};
use eyas_plan::{Failure, Isa, KernelFunction, LaunchContext};
use eyas_runtime::CodeMemory;
use eyas_tensor::{DType, Dim};
use iced_x86::code_asm::{CodeAssembler, asm_traits};

const F32: DType = DType::F32;

/// Multiply-adds of the peak loop in an iteration.
const CHAINS: usize = 12;

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = std::env::args()
        .nth(1)
        .map_or(Ok(31), |text| text.parse())?;
    for isa in [Isa::V4, Isa::V3] {
        if isa.is_supported() {
            measure(isa, rounds)?;
        } else {
            println!("{isa}: this machine lacks {:?}", isa.missing());
        }
    }
    Ok(())
}

/// A contraction with memory of its own.
struct Subject {
    name: String,
    operations: f64,
    calls: usize,
    code: CodeMemory,
    bytes: usize,
    compile_time: Duration,
    memory: Vec<Aligned>,
    dims: Vec<i64>,
    units: i64,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

struct Aligned(Vec<Line>);

impl Aligned {
    fn new(count: usize, seed: u32) -> Aligned {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let line = |_| Line(std::array::from_fn(|_| next()));
        Aligned((0..count.div_ceil(16)).map(line).collect())
    }
}

fn measure(isa: Isa, rounds: usize) -> Result<(), Box<dyn Error>> {
    let peak_code = CodeMemory::new(&peak_loop(isa)?)?;
    let peak_function = peak_code.function(0).ok_or("no code")?;
    let lanes = if isa == Isa::V4 { 16 } else { 8 };
    let iterations = 200_000;
    let peak_operations = (iterations * CHAINS * lanes * 2) as f64;
    let mut subjects = Vec::new();
    for [rows, columns, contracted] in [[512; 3], [1024; 3], [128, 128, 784]] {
        for (finish, body) in [("relu", bias_relu()), ("gelu", bias_gelu()?)] {
            for symbolic in [false, true] {
                let form = if symbolic { "generic" } else { "baked" };
                let name = format!("{rows}x{columns}x{contracted} bias+{finish} {form}");
                let extents = [rows, columns, contracted];
                subjects.push(subject(name, extents, &body, symbolic, isa)?);
            }
        }
    }
    let mut shares = vec![Vec::new(); subjects.len()];
    let mut speeds = vec![Vec::new(); subjects.len()];
    let mut peaks = Vec::new();
    for _ in 0..rounds {
        for (place, subject) in subjects.iter_mut().enumerate() {
            let before =
                peak_operations / time(peak_function, &mut context(&[], &[]), iterations as i64, 1);
            let arguments: Vec<*mut u8> = subject
                .memory
                .iter_mut()
                .map(|m| m.0.as_mut_ptr().cast())
                .collect();
            let mut context = context(&arguments, &subject.dims);
            let function = subject.code.function(0).ok_or("no code")?;
            let seconds = time(function, &mut context, subject.units, subject.calls);
            let speed = subject.operations * subject.calls as f64 / seconds;
            peaks.push(before);
            speeds[place].push(speed);
            shares[place].push(speed / before);
        }
    }
    println!(
        "{isa}: peak {:.1} GFLOP/s, best {:.1}",
        median(&mut peaks) / 1e9,
        peaks[peaks.len() - 1] / 1e9
    );
    println!(
        "{:38} {:>8} {:>8} {:>7} {:>7}",
        "", "GFLOP/s", "best", "share", "best"
    );
    for (place, subject) in subjects.iter().enumerate() {
        let (speed, share) = (median(&mut speeds[place]), median(&mut shares[place]));
        let best = |sorted: &[f64]| sorted[sorted.len() - 1];
        print!(
            "{:38} {:8.1} {:8.1} {:6.1}% {:6.1}%",
            subject.name,
            speed / 1e9,
            best(&speeds[place]) / 1e9,
            100.0 * share,
            100.0 * best(&speeds[place]) / best(&peaks),
        );
        if place % 2 == 1 {
            let baked = median(&mut speeds[place - 1]);
            print!("  generic/baked {:.3}", speed / baked);
        }
        println!();
    }
    let bytes: usize = subjects.iter().map(|subject| subject.bytes).sum();
    let time: Duration = subjects.iter().map(|subject| subject.compile_time).sum();
    println!(
        "{} kernels: {bytes} bytes of code, made in {time:?}\n",
        subjects.len()
    );
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn context(arguments: &[*mut u8], dims: &[i64]) -> LaunchContext {
    LaunchContext {
        arguments: arguments.as_ptr(),
        dims: dims.as_ptr(),
        scratch: std::ptr::null_mut(),
        failure: Failure::default(),
    }
}

/// Seconds of this thread that so many calls take: whoever shares the core does not count.
fn time(function: KernelFunction, context: &mut LaunchContext, units: i64, calls: usize) -> f64 {
    let start = thread_time();
    for _ in 0..calls {
        // SAFETY: the function is a kernel's, or the peak loop, which touches no memory.
        unsafe { function(context, 0, units) };
    }
    (thread_time() - start).as_secs_f64()
}

fn thread_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes the one value that it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// `end` iterations of independent multiply-adds.
fn peak_loop(isa: Isa) -> Result<Vec<u8>, Box<dyn Error>> {
    use iced_x86::Register;
    use iced_x86::code_asm::registers::gpr64::rdx;
    use iced_x86::{Code, Instruction};
    let (code, first) = if isa == Isa::V4 {
        (
            Code::EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er,
            Register::ZMM0,
        )
    } else {
        (Code::VEX_Vfmadd231ps_ymm_ymm_ymmm256, Register::YMM0)
    };
    let mut assembler = CodeAssembler::new(64)?;
    for register in 0..16 {
        let register = Register::XMM0 + register;
        let zero = Code::VEX_Vpxor_xmm_xmm_xmmm128;
        assembler.add_instruction(Instruction::with3(zero, register, register, register)?)?;
    }
    let mut head = assembler.create_label();
    assembler.set_label(&mut head)?;
    for chain in 0..CHAINS as u32 {
        let sum = first + (chain + 2);
        assembler.add_instruction(Instruction::with3(code, sum, first, first + 1)?)?;
    }
    asm_traits::CodeAsmDec::dec(&mut assembler, rdx)?;
    assembler.jne(head)?;
    assembler.vzeroupper()?;
    assembler.ret()?;
    Ok(assembler.assemble(0)?)
}

fn bias_relu() -> Body {
    let mut b = BodyBuilder::new();
    let (sum, bias) = (b.input(F32), b.input(F32));
    let sum = b.binary(BinaryFunction::Add, sum, bias);
    let zero = b.float(F32, 0.0);
    let result = b.binary(BinaryFunction::Maximum, sum, zero);
    b.finish(&[result])
}

fn bias_gelu() -> Result<Body, Box<dyn Error>> {
    let composite = Composite::Gelu;
    let gelu = scalar_body(&Op::Composite { composite }, &[F32]).ok_or("no gelu")?;
    let mut b = BodyBuilder::new();
    let (sum, bias) = (b.input(F32), b.input(F32));
    let x = b.binary(BinaryFunction::Add, sum, bias);
    let results = b.inline(&gelu, &[x]);
    Ok(b.finish(&results))
}

fn subject(
    name: String,
    extents: [usize; 3],
    epilogue: &Body,
    symbolic: bool,
    isa: Isa,
) -> Result<Subject, Box<dyn Error>> {
    let panel = panel_width(isa).ok_or("no wide contraction")?;
    let [rows, columns, contracted] = extents;
    let dim = |name: &str, value: usize| {
        if symbolic {
            Dim::symbol(name)
        } else {
            Dim::from(value as i64)
        }
    };
    let (m, n, k) = (dim("M", rows), dim("N", columns), dim("K", contracted));
    let access = |argument: usize, strides: [Dim; 2]| Access {
        argument,
        offset: Dim::from(0),
        strides: strides.to_vec(),
        indirect: None,
    };
    let (zero, one) = (Dim::from(0), Dim::from(1));
    let work = Work::Contraction(Contraction {
        batch: Vec::new(),
        rows: vec![m],
        columns: vec![n.clone()],
        contracted: vec![k.clone()],
        left: access(0, [k, one.clone()]),
        right: access(1, [zero.clone(), zero.clone()]),
        right_layout: RightLayout::Panels(panel),
        accumulator: F32,
        epilogue: epilogue.clone(),
        reads: vec![access(2, [zero, one.clone()])],
        write: access(3, [n, one]),
    });
    let lengths = [
        rows * contracted,
        columns.next_multiple_of(panel) * contracted,
        columns,
        rows * columns,
    ];
    let argument = |(place, &length): (usize, &usize)| Argument {
        dtype: F32,
        role: if place == 3 { Role::Write } else { Role::Read },
        length: Dim::from(length as i64),
    };
    let kernel = Kernel {
        name: name.clone(),
        arguments: lengths.iter().enumerate().map(argument).collect(),
        work,
        origin: Origin::default(),
    };
    let start = thread_time();
    let function = compile_wide(&kernel, isa).ok_or("no wide form")?;
    let compile_time = thread_time() - start;
    let value = |dim: &Dim| {
        dim.evaluate(&|name| match name {
            "M" => Some(rows as i64),
            "N" => Some(columns as i64),
            "K" => Some(contracted as i64),
            _ => None,
        })
    };
    let operations = 2.0 * (rows * columns * contracted) as f64;
    Ok(Subject {
        name,
        operations,
        calls: (1e8 / operations).ceil() as usize,
        code: CodeMemory::new(&function.bytes)?,
        bytes: function.bytes.len(),
        compile_time,
        memory: (1..)
            .zip(lengths)
            .map(|(seed, length)| Aligned::new(length, seed))
            .collect(),
        dims: function.dims.iter().map(value).collect::<Result<_, _>>()?,
        units: value(&function.units)?,
    })
}
