use serde::{Deserialize, Serialize};

/// What the scheduler may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Columns of a panel that a constant right operand of a contraction is packed into; `None`
    /// where the target has no use for panels.
    pub panel_width: Option<usize>,
    /// Whether a kernel may do the work of several ops.
    pub fuse: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            panel_width: None,
            fuse: true,
        }
    }
}
