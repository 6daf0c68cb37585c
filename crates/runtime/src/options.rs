use std::sync::Arc;

use crate::Pool;

/// How a session runs.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// Threads that help; `None` runs everything on the caller's. Results are the same bits.
    pub pool: Option<Arc<Pool>>,
    /// Bytes that arena, scratch memory and outputs may take together; `None` for as many as the
    /// machine has.
    pub memory_limit: Option<usize>,
    /// Fills the arena with NaNs before every run, so that a read of what was never written shows.
    pub poison: bool,
    /// For how many different shapes of the inputs an entry point keeps what it worked out.
    pub bindings: usize,
}

impl Default for SessionOptions {
    fn default() -> SessionOptions {
        SessionOptions {
            pool: None,
            memory_limit: None,
            poison: false,
            bindings: 8,
        }
    }
}
