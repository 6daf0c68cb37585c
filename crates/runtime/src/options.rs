use std::sync::Arc;

use crate::{Device, Pool};

/// How a session runs.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// Where it runs; `None` for this machine's processor.
    pub device: Option<Device>,
    /// Threads that help on a processor; `None` runs everything on the caller's. Results are the same
    /// bits.
    pub pool: Option<Arc<Pool>>,
    /// Bytes that arena, scratch memory and outputs, on a device also inputs, may take together;
    /// `None` for as many as the machine has, or as the device gives.
    pub memory_limit: Option<usize>,
    /// Fills the arena, on a device also the outputs, with NaNs before every run, so that a read of
    /// what was never written shows; the interpreter makes a fault of it.
    pub poison: bool,
    /// Waits for each kernel on a device before the next one, so that an error names its kernel.
    pub stepwise: bool,
    /// For how many different shapes of the inputs an entry point keeps what it worked out.
    pub bindings: usize,
}

impl Default for SessionOptions {
    fn default() -> SessionOptions {
        SessionOptions {
            device: None,
            pool: None,
            memory_limit: None,
            poison: false,
            stepwise: false,
            bindings: 8,
        }
    }
}
