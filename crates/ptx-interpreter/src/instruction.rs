//! The instructions, a family a file: each decodes and runs its own.

mod atomic;
mod barrier;
mod bits;
mod compare;
mod control;
mod convert;
mod cp_async;
mod fence;
mod float;
mod integer;
mod ldmatrix;
mod load;
mod mma;
mod moves;
mod shuffle;
mod store;
mod vote;

pub(crate) use barrier::Barrier;
pub(crate) use control::Control;
pub(crate) use cp_async::Pending;

use crate::ParseError;
use crate::decoder::{Condition, Decoder, Modifiers};
use crate::flow::Flow;
use crate::lane::Mask;
use crate::machine::{Machine, Step};
use crate::syntax::{Operand, Statement};

/// A decoded instruction.
#[derive(Debug, Clone)]
pub(crate) struct Instruction {
    /// What it depends on.
    pub(crate) guard: Option<Condition>,
    pub(crate) line: u32,
    pub(crate) operation: Operation,
}

/// What an instruction does.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Integer(integer::Integer),
    Float(float::Float),
    Bits(bits::Bits),
    Compare(compare::Compare),
    Convert(convert::Convert),
    Move(moves::Move),
    Load(load::Load),
    Store(store::Store),
    Atomic(atomic::Atomic),
    Shuffle(shuffle::Shuffle),
    Vote(vote::Vote),
    Fence(fence::Fence),
    CopyAsync(cp_async::CopyAsync),
    LoadMatrix(ldmatrix::LoadMatrix),
    MultiplyMatrix(mma::MultiplyMatrix),
    Barrier(Barrier),
    Control(Control),
    /// A hint.
    Nothing,
}

impl Instruction {
    pub(crate) fn decode<'a>(
        statement: &Statement<'a>,
        decoder: &mut Decoder<'a>,
    ) -> Result<Instruction, ParseError> {
        decoder.line = statement.line;
        let guard = match statement.guard {
            Some((name, false)) => Some(decoder.condition(&Operand::Name(name))?),
            Some((name, true)) => Some(decoder.condition(&Operand::Not(name))?),
            None => None,
        };
        let mut modifiers = Modifiers::new(statement);
        let operation = decode(statement, &mut modifiers, decoder)?;
        modifiers.end()?;
        Ok(Instruction {
            guard,
            line: statement.line,
            operation,
        })
    }
}

impl Instruction {
    /// Where control goes after it.
    pub(crate) fn flow(&self) -> Flow {
        match self.operation {
            Operation::Control(control) => control.flow(self.guard.is_some()),
            _ => Flow::Next,
        }
    }
}

type Decoded = Result<Operation, ParseError>;

fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    match statement.opcode {
        "add" | "sub" | "mul" | "div" | "min" | "max" | "abs" | "neg"
            if float::is_meant(statement) =>
        {
            float::decode(statement, modifiers, decoder)
        }
        "fma" | "sqrt" | "rcp" | "rsqrt" | "ex2" | "lg2" | "sin" | "cos" | "tanh" | "copysign" => {
            float::decode(statement, modifiers, decoder)
        }
        "add" | "sub" | "mul" | "mad" | "div" | "rem" | "min" | "max" | "abs" | "neg" | "dp4a" => {
            integer::decode(statement, modifiers, decoder)
        }
        "and" | "or" | "xor" | "not" | "shl" | "shr" | "popc" | "clz" | "brev" | "bfind"
        | "bfe" | "bfi" | "prmt" | "lop3" | "shf" => bits::decode(statement, modifiers, decoder),
        "setp" | "selp" | "testp" => compare::decode(statement, modifiers, decoder),
        "cvt" => convert::decode(statement, modifiers, decoder),
        "mov" | "cvta" => moves::decode(statement, modifiers, decoder),
        "ld" => load::decode(statement, modifiers, decoder),
        "st" => store::decode(statement, modifiers, decoder),
        "prefetch" => load::decode_prefetch(statement, modifiers, decoder),
        "atom" | "red" => atomic::decode(statement, modifiers, decoder),
        "shfl" => shuffle::decode(statement, modifiers, decoder),
        "vote" | "activemask" | "match" | "redux" => vote::decode(statement, modifiers, decoder),
        "membar" | "fence" => fence::decode(statement, modifiers, decoder),
        "cp" => cp_async::decode(statement, modifiers, decoder),
        "ldmatrix" => ldmatrix::decode(statement, modifiers, decoder),
        "mma" => mma::decode(statement, modifiers, decoder),
        "bar" | "barrier" => barrier::decode(statement, modifiers, decoder),
        "bra" | "ret" | "exit" | "trap" => control::decode(statement, modifiers, decoder),
        opcode => decoder.error(format!("the instruction `{opcode}` is not known")),
    }
}

impl Operation {
    /// Runs it in the lanes of `mask`. What moves control is not run here.
    #[inline(always)]
    pub(crate) fn run(&self, mask: Mask, machine: &mut Machine<'_>) -> Step {
        match self {
            Operation::Integer(it) => it.run(mask, machine.warp),
            Operation::Float(it) => it.run(mask, machine.warp),
            Operation::Bits(it) => it.run(mask, machine.warp),
            Operation::Compare(it) => it.run(mask, machine.warp),
            Operation::Convert(it) => it.run(mask, machine.warp),
            Operation::Move(it) => it.run(mask, machine.warp),
            Operation::Load(it) => return it.run(mask, machine),
            Operation::Store(it) => return it.run(mask, machine),
            Operation::Atomic(it) => return it.run(mask, machine),
            Operation::Shuffle(it) => return it.run(mask, machine),
            Operation::Vote(it) => return it.run(mask, machine),
            Operation::Fence(it) => return it.run(mask, machine),
            Operation::CopyAsync(it) => return it.run(mask, machine),
            Operation::LoadMatrix(it) => return it.run(mask, machine),
            Operation::MultiplyMatrix(it) => return it.run(mask, machine),
            Operation::Barrier(_) | Operation::Control(_) | Operation::Nothing => {}
        }
        Ok(())
    }
}
