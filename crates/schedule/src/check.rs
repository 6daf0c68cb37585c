//! The checker: an independent proof, by evaluation at random points, that a [`Program`] computes
//! what its [`Module`] says.
//!
//! It knows nothing of how kernels were grouped. It takes from the scheduler only what each kernel
//! is *claimed* to write (a value of the graph, or a part of one), and shows four things.
//!
//! **Flow** (`flow.rs`). Each plan is executed abstractly. The state says which values of the graph
//! a piece of memory holds: nothing at first but inputs, parameters and constants; a launch adds
//! what its kernel claims and takes away what the memory held before. A value and its reshapes are
//! one. A value made of parts (a concatenation, padding, a scatter) is held once all its parts are.
//! A loop's body begins with the carried values in their current buffers and the invariants where
//! they lay; it must end with the next values in the next buffers, invariants untouched, and a
//! slice of each stack at the offset of its iteration: by induction the loop leaves its results.
//! Both branches of an `if` must leave the results in the same places. In the end each output's
//! buffer holds the output.
//!
//! **Kernels** (`kernel.rs`, `matching.rs`). A kernel claimed to write a value must cover the value
//! exactly once and compute it. Both sides are functions of the place alone: on the kernel's side an
//! expression over elements of arguments, their addresses affine in the position; on the graph's
//! side the definition of the value, unfolded until it meets what the arguments are known to hold.
//! The expressions are compared node for node; the addresses as numbers, at random positions (all
//! corners among them) under random bindings of the symbols that obey the facts. Addresses are
//! polynomials, and two polynomials that differ agree at few points (Schwartz 1980, Zippel 1979).
//! Reductions and sums are compared at random terms of theirs, and must have as many terms. The
//! number that a gather reads is unknown: it is drawn, the same on both sides.
//!
//! **Memory** (`memory.rs`). No step touches a buffer outside its live range; a range that begins
//! within a loop ends within it, and begins with a write; buffers that change places live equally
//! long; and under each binding the placement keeps apart what lives together. Accesses stay inside
//! their arguments, and arguments inside their buffers.
//!
//! **Packing** (`packing.rs`). The graph of a packed weight is followed, element by element at
//! random places, to the same element of the parameter that the contraction's operand leads to.

mod binding;
mod flow;
mod kernel;
mod matching;
mod memory;
mod packing;
mod place;

use eyas_ir::{GraphId, Module};
use eyas_plan::Plan;

use crate::lowered::lower;
use crate::{ClaimGraph, Program};
use binding::bindings;

/// A schedule that does not compute what its module says, or that the checker cannot follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// A kernel.
    #[error("kernel `{kernel}`: {reason}")]
    Kernel {
        /// Its name.
        kernel: String,
        /// What is wrong.
        reason: String,
    },
    /// A plan.
    #[error("plan of `{plan}`: {reason}")]
    Plan {
        /// Whose plan.
        plan: String,
        /// What is wrong.
        reason: String,
    },
    /// The program as a whole.
    #[error("{0}")]
    Program(String),
}

/// Checks a program against the module that it was made from.
///
/// # Errors
/// [`CheckError`].
pub fn check(module: &Module, program: &Program) -> Result<(), CheckError> {
    let lowered = lower(module).map_err(|error| CheckError::Program(error.to_string()))?;
    let module = &lowered.module;
    if program.claims.len() != program.kernels.len() {
        return Err(CheckError::Program(
            "kernels and claims differ in number".into(),
        ));
    }
    if program.entries.len() != module.entries.len() || program.derived.len() < module.derived.len()
    {
        return Err(CheckError::Program(
            "an entry point or derived parameter is missing".into(),
        ));
    }
    for kernel in &program.kernels {
        kernel
            .verify(&module.facts)
            .map_err(|error| CheckError::Kernel {
                kernel: kernel.name.clone(),
                reason: error.cause.to_string(),
            })?;
    }
    let checker = Checker {
        module,
        program,
        bindings: bindings(module),
    };
    for (entry, plan) in module.entries.iter().zip(&program.entries) {
        let states = entry.states.iter();
        for state in states {
            let output = plan.plan.outputs.get(state.output);
            if output.and_then(|output| output.state.as_ref()) != Some(&state.path) {
                return Err(plan_error(
                    &entry.name,
                    "does not keep a state's next value",
                ));
            }
        }
        checker.plan(&entry.name, &plan.plan, &ClaimGraph::Module(entry.graph))?;
    }
    for (number, derived) in program.derived.iter().enumerate() {
        let graph = match (&derived.packing, module.derived.get(number)) {
            (None, Some(own)) => ClaimGraph::Module(own.graph),
            (Some(_), None) => ClaimGraph::Packing(number),
            _ => return Err(plan_error(&derived.path, "is of no derived parameter")),
        };
        checker.plan(&derived.path, &derived.plan, &graph)?;
    }
    Ok(())
}

struct Checker<'a> {
    module: &'a Module,
    program: &'a Program,
    bindings: Vec<binding::Binding>,
}

impl<'a> Checker<'a> {
    fn graph(&self, claim: &ClaimGraph) -> Option<&'a eyas_ir::Graph> {
        match claim {
            ClaimGraph::Module(GraphId(number)) => self.module.graphs.get(*number),
            ClaimGraph::Packing(number) => self.program.derived.get(*number)?.packing.as_ref(),
        }
    }

    fn plan(&self, name: &str, plan: &Plan, graph: &ClaimGraph) -> Result<(), CheckError> {
        flow::check(self, name, plan, graph)?;
        memory::check(self, name, plan)
    }
}

fn plan_error(plan: &str, reason: impl Into<String>) -> CheckError {
    CheckError::Plan {
        plan: plan.to_owned(),
        reason: reason.into(),
    }
}
