use eyas_kernels::Reduce;

use crate::emitter::{Emitter, Launch};
use crate::error::Fault;

/// A reduction.
pub(crate) fn emit(_: &mut Emitter, _: &Reduce) -> Result<Launch, Fault> {
    Err(Fault::Unsupported("a reduction".to_owned()))
}
