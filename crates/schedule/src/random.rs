use eyas_ir::{Body, BodyBuilder, Distribution, ScalarId};
use eyas_tensor::{DType, stream_id};

/// A draw of a stream as a body: its inputs are the place of the element in row-major order and
/// the numbers that tell the draw from others of the stream.
pub(crate) fn draw(distribution: Distribution, stream: &str, numbers: usize) -> Body {
    let mut builder = BodyBuilder::new();
    let place = builder.input(DType::I64);
    let numbers: Vec<ScalarId> = (0..numbers).map(|_| builder.input(DType::I64)).collect();
    let key = stream_id(stream, 0);
    let word = eyas_kernels::random(&mut builder, distribution, key, &numbers, place);
    builder.finish(&[word])
}
