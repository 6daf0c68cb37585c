//! PTX text: one module, an entry a kernel.

use std::fmt::{self, Write as _};

use eyas_plan::CudaArchitecture;

use crate::builder::{
    AnyOperand, AnyRegister, Guard, Immediate, Instruction, Label, RegisterFile, Special,
    Statement, Type, Written,
};

/// The version of the language, which every driver for CUDA 12 reads.
const VERSION: &str = "8.0";

/// The column in which operands begin.
const OPERANDS: usize = 32;

/// A kernel's entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name, unique in the module.
    pub name: String,
    /// What stands above it, a comment a line.
    pub header: Vec<String>,
    /// What it is called with.
    pub parameters: Vec<Parameter>,
    /// Threads of a block, along x.
    pub threads: u32,
    /// Blocks that a multiprocessor's registers must hold at the same time.
    pub resident: u32,
    /// What it does.
    pub written: Written,
}

/// A parameter of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its type.
    pub ty: Type,
    /// Its name.
    pub name: String,
    /// What it is.
    pub comment: String,
}

/// A comment's text on one line in the characters that assemblers read.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // At a line's end it would go on.
            '\\' => plain.push('/'),
            ' '..='~' => plain.push(c),
            _ if c.is_whitespace() => plain.push(' '),
            _ => plain.push_str(&format!("U+{:04X}", u32::from(c))),
        }
    }
    plain
}

/// What every module begins with.
pub fn print_preamble(architecture: CudaArchitecture) -> String {
    format!(".version {VERSION}\n.target {architecture}\n.address_size 64\n")
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.header {
            writeln!(f, "{}", format!("// {}", plain(line)).trim_end())?;
        }
        writeln!(f, ".visible .entry {}(", self.name)?;
        let last = self.parameters.len().saturating_sub(1);
        for (place, parameter) in self.parameters.iter().enumerate() {
            let comma = if place == last { "" } else { "," };
            let declared = format!(".param .{} {}{comma}", parameter.ty.text(), parameter.name);
            writeln!(f, "    {declared:<24}  // {}", plain(&parameter.comment))?;
        }
        writeln!(f, ")\n.maxntid {}, 1, 1", self.threads)?;
        if self.resident > 1 {
            writeln!(f, ".minnctapersm {}", self.resident)?;
        }
        writeln!(f, "{{")?;
        for file in RegisterFile::ALL {
            if let Some(&count) = self.written.registers.get(&file) {
                let declared = format!(".{}", file.declared().text());
                writeln!(
                    f,
                    "    .reg {declared:<5} {}<{}>;",
                    file.prefix(),
                    count + 1
                )?;
            }
        }
        for array in &self.written.shared {
            let (element, name) = (array.element.text(), &array.name);
            writeln!(
                f,
                "    .shared .align 16 .{element} {name}[{}];",
                array.count
            )?;
        }
        writeln!(f)?;
        for statement in &self.written.statements {
            match statement {
                Statement::Instruction(instruction) => writeln!(f, "    {instruction}")?,
                Statement::Label(label) => writeln!(f, "{label}:")?,
                Statement::Comment(text) => writeln!(f, "\n    // {}", plain(text))?,
            }
        }
        writeln!(f, "}}")
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut head = String::new();
        if let Some(Guard { predicate, negated }) = self.guard {
            let not = if negated { "!" } else { "" };
            write!(head, "@{not}{predicate} ")?;
        }
        head.push_str(self.opcode.mnemonic.text());
        for modifier in &self.opcode.modifiers {
            write!(head, ".{}", modifier.text())?;
        }
        if self.operands.is_empty() {
            return write!(f, "{head};");
        }
        write!(f, "{head:<width$} ", width = OPERANDS - 1)?;
        for (place, operand) in self.operands.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{operand}")?;
        }
        write!(f, ";")
    }
}

impl fmt::Display for AnyRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.file.prefix(), self.number)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}_{}", self.name, self.number)
    }
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for Immediate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Immediate::Integer(value) => write!(f, "{value}"),
            Immediate::Unsigned(value) if *value > 0xffff => write!(f, "{value:#x}"),
            Immediate::Unsigned(value) => write!(f, "{value}"),
            Immediate::F32(value) => write!(f, "0f{:08X}", value.to_bits()),
            Immediate::F64(value) => write!(f, "0d{:016X}", value.to_bits()),
        }
    }
}

impl fmt::Display for AnyOperand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |f: &mut fmt::Formatter<'_>, base: &dyn fmt::Display, offset: i32| match offset
        {
            0 => write!(f, "[{base}]"),
            1.. => write!(f, "[{base}+{offset}]"),
            _ => write!(f, "[{base}{offset}]"),
        };
        match self {
            AnyOperand::Register(register) => register.fmt(f),
            AnyOperand::Immediate(immediate) => immediate.fmt(f),
            AnyOperand::Special(special) => special.fmt(f),
            AnyOperand::Memory(base, offset) => place(f, base, *offset),
            AnyOperand::Named(base, offset) => place(f, base, *offset),
            AnyOperand::Symbol(name) => f.write_str(name),
            AnyOperand::Label(label) => label.fmt(f),
            AnyOperand::Vector(registers) => {
                f.write_str("{")?;
                for (place, register) in registers.iter().enumerate() {
                    let comma = if place == 0 { "" } else { ", " };
                    write!(f, "{comma}{register}")?;
                }
                f.write_str("}")
            }
        }
    }
}
