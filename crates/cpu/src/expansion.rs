//! Bodies in the ops that there is code for.

use eyas_ir::Body;
use eyas_kernels::Capabilities;

/// The body with functions spelt out. What the machine has no instruction for among these the
/// emitter spells out with the same bits, so that bodies are alike on all of them.
pub(crate) fn expand(body: &Body) -> Body {
    let capabilities = Capabilities {
        rounding: true,
        fused: true,
        half: true,
    };
    eyas_kernels::expand(body, capabilities)
}
