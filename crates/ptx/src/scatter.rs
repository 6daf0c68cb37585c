use eyas_kernels::Scatter;

use crate::emitter::{Emitter, Launch};
use crate::error::Fault;

/// A scatter.
pub(crate) fn emit(_: &mut Emitter, _: &Scatter) -> Result<Launch, Fault> {
    Err(Fault::Unsupported("a scatter".to_owned()))
}
