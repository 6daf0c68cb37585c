use eyas_tensor::DimError;

/// Why a module has no kernels and plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// An op, or a form of one, that no kernel family has.
    #[error("in graph `{graph}`, `{op}` has no kernel: {reason}")]
    Unsupported {
        /// The graph.
        graph: String,
        /// The op's name.
        op: String,
        /// What is missing.
        reason: String,
    },
    /// Arithmetic on dims.
    #[error(transparent)]
    Dim(#[from] DimError),
    /// The module breaks a rule of the IR.
    #[error("the module is not well formed: {0}")]
    Malformed(String),
    /// A bug of the scheduler.
    #[error("the schedule is wrong: {0}")]
    Internal(String),
}
