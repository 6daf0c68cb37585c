use eyas_kernels::Contraction;

use crate::emitter::{Emitter, Launch};
use crate::error::Fault;

/// A contraction.
pub(crate) fn emit(_: &mut Emitter, _: &Contraction) -> Result<Launch, Fault> {
    Err(Fault::Unsupported("a contraction".to_owned()))
}
