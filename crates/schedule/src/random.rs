use eyas_ir::{BinaryFunction, BodyBuilder, Distribution, ScalarId, ScalarOp};
use eyas_tensor::{DType, Number, stream_id};

use crate::emit::Emitter;
use crate::refusal::Refusal;

/// Multiplier that folds the numbers which tell draws apart: 2^64 over the golden ratio.
const FOLD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Emitter<'_> {
    /// The draw of a stream for an element, from its place in row-major order and the numbers that
    /// tell the draw from others of the stream.
    pub(crate) fn random(
        &mut self,
        distribution: Distribution,
        stream: &str,
        place: ScalarId,
        numbers: &[ScalarId],
    ) -> Result<ScalarId, Refusal> {
        if stream.contains('{') {
            return Err(Refusal::Form);
        }
        let builder = &mut self.builder;
        let fold = literal(builder, DType::U64, FOLD);
        let mut mix = literal(builder, DType::U64, 0);
        for &number in numbers {
            let number = builder.cast(number, DType::U64);
            let product = builder.binary(BinaryFunction::Multiply, mix, fold);
            mix = builder.binary(BinaryFunction::Add, product, number);
        }
        let place = builder.cast(place, DType::U64);
        let block = builder.push(ScalarOp::ShiftRight(place, 2), DType::U64);
        let counter = [block, mix].map(|word| [low(builder, word), high(builder, word)]);
        let counter = [counter[0][0], counter[0][1], counter[1][0], counter[1][1]];
        let key = stream_id(stream, 0);
        let words = philox(builder, counter, [key as u32, (key >> 32) as u32]);
        let three = literal(builder, DType::U64, 3);
        let lane = builder.binary(BinaryFunction::And, place, three);
        let word = chosen(builder, words, lane);
        Ok(match distribution {
            Distribution::Bits => word,
            Distribution::Uniform => {
                let top = builder.push(ScalarOp::ShiftRight(word, 8), DType::U32);
                let number = builder.cast(top, DType::F32);
                let scale = builder.float(DType::F32, 1.0 / 16_777_216.0);
                builder.binary(BinaryFunction::Multiply, number, scale)
            }
        })
    }
}

fn literal(builder: &mut BodyBuilder, dtype: DType, value: u64) -> ScalarId {
    builder.literal(dtype, Number::Int(value.into()))
}

fn low(builder: &mut BodyBuilder, word: ScalarId) -> ScalarId {
    builder.cast(word, DType::U32)
}

fn high(builder: &mut BodyBuilder, word: ScalarId) -> ScalarId {
    let word = builder.push(ScalarOp::ShiftRight(word, 32), DType::U64);
    builder.cast(word, DType::U32)
}

/// Philox4x32 with ten rounds, as `eyas_tensor::philox` has it.
fn philox(
    builder: &mut BodyBuilder,
    mut counter: [ScalarId; 4],
    mut key: [u32; 2],
) -> [ScalarId; 4] {
    for _ in 0..10 {
        let keys = key.map(|word| literal(builder, DType::U32, word.into()));
        let products = [(counter[0], 0xD251_1F53), (counter[2], 0xCD9E_8D57)];
        let [first, second] = products.map(|(word, factor)| {
            let word = builder.cast(word, DType::U64);
            let factor = literal(builder, DType::U64, factor);
            builder.binary(BinaryFunction::Multiply, word, factor)
        });
        let mut mixed = |product, word, key| {
            let top = high(builder, product);
            let word = builder.binary(BinaryFunction::Xor, top, word);
            builder.binary(BinaryFunction::Xor, word, key)
        };
        let (even, odd) = (
            mixed(second, counter[1], keys[0]),
            mixed(first, counter[3], keys[1]),
        );
        counter = [even, low(builder, second), odd, low(builder, first)];
        key = [
            key[0].wrapping_add(0x9E37_79B9),
            key[1].wrapping_add(0xBB67_AE85),
        ];
    }
    counter
}

/// The word of a block that a lane names.
fn chosen(builder: &mut BodyBuilder, words: [ScalarId; 4], lane: ScalarId) -> ScalarId {
    use eyas_ir::Comparison::Equal;
    let mut result = words[3];
    for (number, &word) in words.iter().enumerate().take(3).rev() {
        let number = literal(builder, DType::U64, number as u64);
        let here = builder.compare(Equal, lane, number);
        result = builder.push(ScalarOp::Select(here, word, result), DType::U32);
    }
    result
}
