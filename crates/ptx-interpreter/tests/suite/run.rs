//! Small kernels around a few instructions.

use eyas_ptx_interpreter::{Fault, Launch, Limits, Memory, Module, ParseError, launch};

/// What stands before every kernel.
pub const HEAD: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

/// Declarations that most kernels are content with.
const REGISTERS: &str = "
    .reg .pred %p<9>; .reg .b16 %h<9>; .reg .u32 %r<20>; .reg .s32 %s<9>; .reg .b32 %b<9>;
    .reg .u64 %rd<20>; .reg .s64 %sd<9>; .reg .b64 %bd<9>; .reg .f32 %f<20>; .reg .f64 %d<9>;
    ld.param.u64 %rd0, [out]; mov.u32 %r0, %tid.x; mul.wide.u32 %rd1, %r0, 8;
    add.u64 %rd1, %rd0, %rd1;
";

/// A kernel of one parameter `out`; `%rd1` is the place of the thread's eight bytes there, `%r0`
/// its index.
pub fn kernel(body: &str) -> String {
    format!("{HEAD}.visible .entry k(.param .u64 out)\n{{{REGISTERS}{body}\nret;\n}}\n")
}

/// The module of a kernel.
pub fn parse(body: &str) -> Result<Module, ParseError> {
    Module::parse(&kernel(body))
}

/// What a kernel leaves at `out`, eight bytes a thread, zeros before.
pub fn run(body: &str, grid: u32, block: u32) -> Result<Vec<u64>, Fault> {
    let module = parse(body).unwrap();
    let mut memory = Memory::new();
    let threads = u64::from(grid) * u64::from(block);
    let out = memory.allocate(threads * 8).unwrap();
    memory.fill(out, 0, threads * 8).unwrap();
    let shape = Launch {
        grid: [grid, 1, 1],
        block: [block, 1, 1],
        shared: 0,
    };
    let limits = Limits {
        instructions: 10_000_000,
    };
    launch(
        &module.entries()[0],
        &shape,
        &out.to_le_bytes(),
        &mut memory,
        &limits,
    )?;
    let mut bytes = vec![0; threads as usize * 8];
    memory.read(out, &mut bytes).unwrap();
    Ok(bytes
        .chunks(8)
        .map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap()))
        .collect())
}

/// What one thread leaves at `out`.
pub fn one(body: &str) -> u64 {
    run(body, 1, 1).unwrap()[0]
}

/// The 32 bits that one thread leaves in `%r1`.
pub fn word(body: &str) -> u32 {
    one(&format!("{body} st.global.u32 [%rd1], %r1;")) as u32
}

/// What is wrong with the text of a kernel.
pub fn refusal(body: &str) -> String {
    parse(body).expect_err("it should be refused").to_string()
}

/// What is wrong with a run.
pub fn fault(body: &str, grid: u32, block: u32) -> String {
    run(body, grid, block)
        .expect_err("it should be caught")
        .to_string()
}
