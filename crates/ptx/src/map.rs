use eyas_kernels::Map;

use crate::emitter::{Emitter, Launch};
use crate::error::Fault;

/// A map.
pub(crate) fn emit(_: &mut Emitter, _: &Map) -> Result<Launch, Fault> {
    Err(Fault::Unsupported("a map".to_owned()))
}
