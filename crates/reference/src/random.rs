use eyas_ir::Distribution;
use eyas_tensor::{DType, Number, philox, uniform_f32};

use crate::Values;
use crate::places::count;

/// Multiplier that folds the numbers which tell draws apart: 2^64 over the golden ratio.
const FOLD: u64 = 0x9E37_79B9_7F4A_7C15;

/// One draw of a stream: where its counters begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    /// The stream's id, `eyas_tensor::stream_id` of its path.
    stream: u64,
    /// The folded numbers that tell this draw from others of the stream.
    mix: u64,
}

impl Draw {
    /// The draw of a stream that these numbers tell from its others.
    pub(crate) fn new(stream: u64, numbers: impl IntoIterator<Item = Number>) -> Draw {
        let fold =
            |mix: u64, number: Number| mix.wrapping_mul(FOLD).wrapping_add(number.to_i128() as u64);
        Draw {
            stream,
            mix: numbers.into_iter().fold(0, fold),
        }
    }

    /// The random word of an element: word `index % 4` of block `index / 4`.
    pub(crate) fn word(self, index: usize) -> u32 {
        let block = index as u64 / 4;
        let counter = [block, self.mix].map(|x| [x as u32, (x >> 32) as u32]);
        let counter = [counter[0][0], counter[0][1], counter[1][0], counter[1][1]];
        let key = [self.stream as u32, (self.stream >> 32) as u32];
        philox(counter, key)[index % 4]
    }

    /// A uniform number in [0, 1) for an element, a multiple of 2^-24.
    pub(crate) fn uniform(self, index: usize) -> f64 {
        f64::from(uniform_f32(self.word(index)))
    }

    /// A whole tensor.
    pub(crate) fn fill(self, distribution: Distribution, shape: &[usize]) -> Values {
        let indices = 0..count(shape).unwrap_or(0);
        match distribution {
            Distribution::Bits => {
                let words = indices.map(|index| Number::Int(self.word(index).into()));
                Values::collect(DType::U32, shape, words)
            }
            Distribution::Uniform => {
                let numbers = indices.map(|index| Number::Float(self.uniform(index)));
                Values::collect(DType::F32, shape, numbers)
            }
        }
    }
}
