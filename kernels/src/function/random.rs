use eyas_ir::{BinaryFunction, BodyBuilder, Distribution, ScalarId, ScalarOp};
use eyas_tensor::{DType, Number};

/// Multiplier that folds the numbers which tell draws apart: 2^64 over the golden ratio.
const FOLD: u64 = 0x9E37_79B9_7F4A_7C15;

/// What element `index` (i64, row-major) of a random tensor is: Philox4x32-10 of block
/// `index / 4`, its word `index % 4` (Salmon et al., "Parallel random numbers: as easy as 1, 2,
/// 3", 2011). `stream` is [`eyas_tensor::stream_id`] of the op's stream, `numbers` are the op's
/// operands, i64.
pub fn random(
    builder: &mut BodyBuilder,
    distribution: Distribution,
    stream: u64,
    numbers: &[ScalarId],
    index: ScalarId,
) -> ScalarId {
    let mut philox = Philox { builder };
    let word = philox.word(stream, numbers, index);
    match distribution {
        Distribution::Bits => word,
        Distribution::Uniform => {
            let top = philox.shifted(word, 8);
            let top = philox.builder.cast(top, DType::I32);
            let top = philox.builder.cast(top, DType::F32);
            let scale = philox.builder.float(DType::F32, 1.0 / 16_777_216.0);
            philox.binary(BinaryFunction::Multiply, top, scale)
        }
    }
}

struct Philox<'a> {
    builder: &'a mut BodyBuilder,
}

impl Philox<'_> {
    fn word(&mut self, stream: u64, numbers: &[ScalarId], index: ScalarId) -> ScalarId {
        let mut mix = self.literal(DType::U64, 0);
        let fold = self.literal(DType::U64, FOLD);
        for &number in numbers {
            let number = self.builder.cast(number, DType::U64);
            mix = self.binary(BinaryFunction::Multiply, mix, fold);
            mix = self.binary(BinaryFunction::Add, mix, number);
        }
        let index = self.builder.cast(index, DType::U64);
        let block = self.shifted(index, 2);
        let [low, high] = self.words(block);
        let [mix_low, mix_high] = self.words(mix);
        let mut counter = [low, high, mix_low, mix_high];
        let mut key = [stream as u32, (stream >> 32) as u32];
        for _ in 0..10 {
            let first = self.product(counter[0], 0xD251_1F53);
            let second = self.product(counter[2], 0xCD9E_8D57);
            counter = [
                self.mixed(second[1], counter[1], key[0]),
                second[0],
                self.mixed(first[1], counter[3], key[1]),
                first[0],
            ];
            key = [
                key[0].wrapping_add(0x9E37_79B9),
                key[1].wrapping_add(0xBB67_AE85),
            ];
        }
        self.chosen(counter, index)
    }

    /// Word `index % 4`.
    fn chosen(&mut self, words: [ScalarId; 4], index: ScalarId) -> ScalarId {
        let [first, second, none] = [1, 2, 0].map(|n| self.literal(DType::U32, n));
        let index = self.builder.cast(index, DType::U32);
        let mut bit = |mask| {
            let bit = self.binary(BinaryFunction::And, index, mask);
            let comparison = eyas_ir::Comparison::NotEqual;
            self.builder.compare(comparison, bit, none)
        };
        let (odd, upper) = (bit(first), bit(second));
        let low = self.builder.select(odd, words[1], words[0]);
        let high = self.builder.select(odd, words[3], words[2]);
        self.builder.select(upper, high, low)
    }

    /// The low and high word of a number times a constant.
    fn product(&mut self, word: ScalarId, by: u32) -> [ScalarId; 2] {
        let word = self.builder.cast(word, DType::U64);
        let by = self.literal(DType::U64, by.into());
        let product = self.binary(BinaryFunction::Multiply, word, by);
        self.words(product)
    }

    fn mixed(&mut self, a: ScalarId, b: ScalarId, key: u32) -> ScalarId {
        let key = self.literal(DType::U32, key.into());
        let both = self.binary(BinaryFunction::Xor, a, b);
        self.binary(BinaryFunction::Xor, both, key)
    }

    /// The low and high word of a u64.
    fn words(&mut self, wide: ScalarId) -> [ScalarId; 2] {
        let high = self.shifted(wide, 32);
        [wide, high].map(|part| self.builder.cast(part, DType::U32))
    }

    fn shifted(&mut self, a: ScalarId, by: u32) -> ScalarId {
        let dtype = self.builder.dtype(a);
        self.builder.push(ScalarOp::ShiftRight(a, by), dtype)
    }

    fn binary(&mut self, function: BinaryFunction, a: ScalarId, b: ScalarId) -> ScalarId {
        self.builder.binary(function, a, b)
    }

    fn literal(&mut self, dtype: DType, value: u64) -> ScalarId {
        self.builder.literal(dtype, Number::Int(value.into()))
    }
}
