use eyas_ir::{InferError, VerifyError};

/// Why a pass failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// No pass has this name.
    #[error("there is no pass `{0}`")]
    UnknownPass(String),
    /// A module that breaks a rule, found after the pass.
    #[error("after the pass `{pass}`: {error}")]
    Verify {
        /// The pass.
        pass: String,
        /// The rule broken.
        error: Box<VerifyError>,
    },
    /// A rewrite rule that says two different things of one value: a bug in the rule.
    #[error("the rewrite rule `{rule}` contradicts what is known: {message}")]
    Contradiction {
        /// The rule, or those applied in the same round.
        rule: String,
        /// What the two sides say.
        message: String,
    },
    /// A node that does not type when the graph is written again.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// A graph that cannot be handled, such as one with a cycle.
    #[error("graph `{graph}` {message}")]
    Graph {
        /// Its name.
        graph: String,
        /// What is wrong.
        message: String,
    },
    /// A loop that a loop pass cannot change as asked.
    #[error("a loop over `{variable}` {message}")]
    Loop {
        /// Its counter.
        variable: String,
        /// Why not.
        message: String,
    },
}
