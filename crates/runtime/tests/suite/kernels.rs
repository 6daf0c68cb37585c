//! Kernels by hand: what a compiler would give, small enough to be seen through.

use eyas_plan::{Code, Function, FunctionArgument};
use eyas_tensor::{DType, Dim};
use iced_x86::code_asm::*;

/// `c[i] = a[i] + b[i]` for f32.
pub fn add() -> Vec<u8> {
    assemble(|a| {
        let (mut top, mut end) = (a.create_label(), a.create_label());
        a.mov(rdi, qword_ptr(rdi))?;
        a.mov(rax, qword_ptr(rdi))?;
        a.mov(rcx, qword_ptr(rdi + 8))?;
        a.mov(r8, qword_ptr(rdi + 16))?;
        a.set_label(&mut top)?;
        a.cmp(rsi, rdx)?;
        a.jge(end)?;
        a.movss(xmm0, dword_ptr(rax + rsi * 4))?;
        a.addss(xmm0, dword_ptr(rcx + rsi * 4))?;
        a.movss(dword_ptr(r8 + rsi * 4), xmm0)?;
        a.inc(rsi)?;
        a.jmp(top)?;
        a.set_label(&mut end)?;
        a.xor(eax, eax)?;
        a.ret()
    })
}

/// `c[i] = a[b[i]]` for f32 and i64; fails where `b[i]` is not below the first dim.
pub fn gather() -> Vec<u8> {
    assemble(|a| {
        let (mut top, mut end, mut out) = (a.create_label(), a.create_label(), a.create_label());
        a.mov(r11, qword_ptr(rdi + 8))?;
        a.mov(r11, qword_ptr(r11))?;
        a.mov(r9, qword_ptr(rdi))?;
        a.mov(rax, qword_ptr(r9))?;
        a.mov(rcx, qword_ptr(r9 + 8))?;
        a.mov(r8, qword_ptr(r9 + 16))?;
        a.set_label(&mut top)?;
        a.cmp(rsi, rdx)?;
        a.jge(end)?;
        a.mov(r10, qword_ptr(rcx + rsi * 8))?;
        a.cmp(r10, r11)?;
        a.jae(out)?;
        a.movss(xmm0, dword_ptr(rax + r10 * 4))?;
        a.movss(dword_ptr(r8 + rsi * 4), xmm0)?;
        a.inc(rsi)?;
        a.jmp(top)?;
        a.set_label(&mut end)?;
        a.xor(eax, eax)?;
        a.ret()?;
        a.set_label(&mut out)?;
        a.mov(qword_ptr(rdi + 24), 0)?;
        a.mov(qword_ptr(rdi + 32), r10)?;
        a.mov(qword_ptr(rdi + 40), r11)?;
        a.mov(eax, 1)?;
        a.ret()
    })
}

/// `c = a < b` for one i64 each.
pub fn less() -> Vec<u8> {
    assemble(|a| {
        a.mov(rdi, qword_ptr(rdi))?;
        a.mov(rax, qword_ptr(rdi))?;
        a.mov(rcx, qword_ptr(rdi + 8))?;
        a.mov(r8, qword_ptr(rdi + 16))?;
        a.mov(rax, qword_ptr(rax))?;
        a.cmp(rax, qword_ptr(rcx))?;
        a.setl(byte_ptr(r8))?;
        a.xor(eax, eax)?;
        a.ret()
    })
}

/// Copies f32 through scratch memory: all units of the piece are written there first.
pub fn through_scratch() -> Vec<u8> {
    assemble(|a| {
        let (mut store, mut load) = (a.create_label(), a.create_label());
        let (mut stored, mut end) = (a.create_label(), a.create_label());
        a.mov(r9, qword_ptr(rdi + 16))?;
        a.mov(rdi, qword_ptr(rdi))?;
        a.mov(rax, qword_ptr(rdi))?;
        a.mov(rcx, qword_ptr(rdi + 8))?;
        a.mov(r10, rsi)?;
        a.set_label(&mut store)?;
        a.cmp(r10, rdx)?;
        a.jge(stored)?;
        a.movss(xmm0, dword_ptr(rax + r10 * 4))?;
        a.movss(dword_ptr(r9 + r10 * 4), xmm0)?;
        a.inc(r10)?;
        a.jmp(store)?;
        a.set_label(&mut stored)?;
        a.set_label_anchor()?;
        a.set_label(&mut load)?;
        a.cmp(rsi, rdx)?;
        a.jge(end)?;
        a.movss(xmm0, dword_ptr(r9 + rsi * 4))?;
        a.movss(dword_ptr(rcx + rsi * 4), xmm0)?;
        a.inc(rsi)?;
        a.jmp(load)?;
        a.set_label(&mut end)?;
        a.xor(eax, eax)?;
        a.ret()
    })
}

/// Does nothing and fails.
pub fn fail() -> Vec<u8> {
    assemble(|a| {
        a.mov(eax, 7)?;
        a.ret()
    })
}

/// Labels may not meet at one instruction; this one does nothing between them.
trait Anchor {
    fn set_label_anchor(&mut self) -> Result<(), iced_x86::IcedError>;
}

impl Anchor for CodeAssembler {
    fn set_label_anchor(&mut self) -> Result<(), iced_x86::IcedError> {
        self.nop()
    }
}

fn assemble(emit: impl Fn(&mut CodeAssembler) -> Result<(), iced_x86::IcedError>) -> Vec<u8> {
    let mut assembler = CodeAssembler::new(64).unwrap();
    emit(&mut assembler).unwrap();
    assembler.assemble(0).unwrap()
}

/// Lays functions out in one section.
#[derive(Default)]
pub struct Section(pub Code);

/// What a function is besides its bytes.
pub struct Shape<'a> {
    pub name: &'a str,
    /// Element type, length and whether it is written.
    pub arguments: &'a [(DType, &'a str, bool)],
    pub dims: &'a [&'a str],
    pub units: &'a str,
    pub unit_cost: i64,
    pub scratch: &'a str,
}

impl Section {
    /// Adds a function; gives its number.
    pub fn function(&mut self, bytes: &[u8], shape: &Shape<'_>) -> usize {
        let code = &mut self.0;
        while !code.bytes.len().is_multiple_of(16) {
            code.bytes.push(0xcc);
        }
        let dim = |text: &str| text.parse::<Dim>().unwrap();
        let arguments = shape.arguments.iter();
        code.functions.push(Function {
            name: shape.name.to_owned(),
            offset: code.bytes.len(),
            size: bytes.len(),
            arguments: arguments
                .map(|&(dtype, length, writes)| FunctionArgument {
                    dtype,
                    length: dim(length),
                    writes,
                })
                .collect(),
            dims: shape.dims.iter().map(|text| dim(text)).collect(),
            units: dim(shape.units),
            unit_cost: shape.unit_cost.into(),
            scratch: dim(shape.scratch),
            grid: None,
        });
        code.bytes.extend_from_slice(bytes);
        code.functions.len() - 1
    }

    /// `c = a + b` over so many elements.
    pub fn add(&mut self, name: &str, elements: &str, unit_cost: i64) -> usize {
        let argument = |writes| (DType::F32, elements, writes);
        self.function(
            &add(),
            &Shape {
                name,
                arguments: &[argument(false), argument(false), argument(true)],
                dims: &[],
                units: elements,
                unit_cost,
                scratch: "0",
            },
        )
    }
}
