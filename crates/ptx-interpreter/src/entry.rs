use std::sync::Arc;

use crate::ParseError;
use crate::Type;
use crate::decoder::{Decoder, Needs, Planes};
use crate::flow::{Flow, joins};
use crate::instruction::{Control, Instruction, Operation};
use crate::parser::Body;
use crate::shadow::INSTRUCTIONS;

/// A kernel of a [`crate::Module`].
#[derive(Debug, Clone)]
pub struct Entry {
    pub(crate) name: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) parameter_bytes: usize,
    pub(crate) shared_bytes: u32,
    pub(crate) max_threads: Option<u32>,
    /// The extents that a block must have.
    pub(crate) required: Option<[u32; 3]>,
    /// The number in `sm_80`.
    pub(crate) target: u32,
    pub(crate) code: Vec<Instruction>,
    pub(crate) planes: Planes,
    pub(crate) needs: Needs,
    /// The module's text.
    pub(crate) text: Arc<str>,
}

/// What an entry is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub kind: Type,
    /// Where it begins among the bytes of all parameters.
    pub offset: usize,
    /// How many bytes it takes.
    pub bytes: usize,
}

impl Entry {
    pub(crate) fn decode(body: Body<'_>, target: u32, text: Arc<str>) -> Result<Entry, ParseError> {
        if body.statements.len() >= INSTRUCTIONS {
            let message = format!("an entry has less than {INSTRUCTIONS} instructions");
            return Err(ParseError {
                line: body.line,
                message,
            });
        }
        let mut decoder = Decoder::new(target, &body.names, body.shared_bytes);
        let mut code = Vec::new();
        for statement in &body.statements {
            code.push(Instruction::decode(statement, &mut decoder)?);
        }
        // Whoever comes to the closing brace returns.
        let operation = Operation::Control(Control::End);
        code.push(Instruction {
            guard: None,
            line: body.end,
            operation,
        });
        let flow: Vec<Flow> = code.iter().map(Instruction::flow).collect();
        let Some(joins) = joins(&flow) else {
            let message = "the branches of this entry are too tangled".to_owned();
            return Err(ParseError {
                line: body.line,
                message,
            });
        };
        for (instruction, meets) in code.iter_mut().zip(joins) {
            if let Operation::Control(Control::Branch { join, .. }) = &mut instruction.operation {
                *join = meets;
            }
        }
        let (planes, needs) = (decoder.planes, decoder.needs);
        Ok(Entry {
            name: body.name.to_owned(),
            parameters: body.parameters,
            parameter_bytes: body.parameter_bytes,
            shared_bytes: body.shared_bytes,
            max_threads: body.max_threads,
            required: body.required,
            target,
            code,
            planes,
            needs,
            text,
        })
    }

    /// A line of the text, from 1 on.
    pub(crate) fn line(&self, number: u32) -> &str {
        let at = number.saturating_sub(1) as usize;
        self.text.lines().nth(at).unwrap_or("").trim()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is called with, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// How many bytes all parameters take, each at a multiple of its alignment.
    pub fn parameter_bytes(&self) -> usize {
        self.parameter_bytes
    }

    /// Bytes of shared memory that it declares.
    pub fn shared_bytes(&self) -> u32 {
        self.shared_bytes
    }

    /// The most threads of a block, where the text says so.
    pub fn max_threads(&self) -> Option<u32> {
        self.max_threads
    }
}
