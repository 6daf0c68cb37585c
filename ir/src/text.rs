//! The text form of a module, which prints and parses back.
//!
//! One node a line, operands before users; a value of an attribute is JSON in which strings that
//! are words need no quotes, and a constant is written `f32[2](1.0, 2.0)`:
//!
//! ```text
//! module
//! symbol B
//! fact B <= 4096
//! parameter fc1.w : f32[784, 128] = uniform(-0.035, 0.035)
//! graph #0 main {
//!   %0 = input image : f32[B, 784]
//!   %1 = parameter fc1.w : f32[784, 128]
//!   %2 = contraction %0, %1 spec="ab,bc->ac" accumulator=f32 : f32[B, 128]
//!   %3 = relu %2 : f32[B, 128]
//!   return probability = %3
//! }
//! entry Mnist = #0 inference
//! ```
//!
//! An epilogue is a [`Body`](crate::Body), whose numbers are its own: places in it. The head says
//! where the inputs stand, and a type follows a place where operands do not give it:
//! `epilogue=(%0: f32, %1: f32) { %2 = add %0, %1; %3: bf16 = cast %2; return %3 }`.
//!
//! An entry point that changes states says which output is the next value of each:
//! `entry Counter = #0 inference state count=1`.
//!
//! A line that begins with `//` is a comment.

pub(crate) mod attribute;
mod body;
mod cursor;
mod line;
mod parse;
mod print;

pub use cursor::{ParseCause, ParseError};

use crate::{Module, VerifyError};

/// What the text form shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextOptions {
    /// Whether source spans and labels follow each line after `@`.
    pub origins: bool,
}

/// Why a text is not a module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It does not parse.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// It parses, but breaks a rule.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

impl Module {
    /// The text form. Nodes are numbered as they stand in it: inputs first, then in topological
    /// order. A module read from its own text is equal to it but for the numbers of its nodes and
    /// what [`TextOptions`] leaves out.
    pub fn to_text(&self, options: TextOptions) -> String {
        print::module(self, options)
    }

    /// Reads the text form and verifies the module.
    ///
    /// # Errors
    /// [`TextError`].
    pub fn from_text(text: &str) -> Result<Module, TextError> {
        let module = Module::from_text_unverified(text)?;
        module.verify()?;
        Ok(module)
    }

    /// Reads the text form alone: the types may be wrong, parameters undeclared, bodies missing.
    /// Every operand exists and stands before its user.
    ///
    /// # Errors
    /// [`ParseError`] with the line and column.
    pub fn from_text_unverified(text: &str) -> Result<Module, ParseError> {
        parse::module(text)
    }
}
