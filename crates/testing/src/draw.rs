use eyas_tensor::{DType, Number, Tensor};

/// A stream of random numbers (SplitMix64), the same for the same seed on every machine.
#[derive(Debug, Clone)]
pub struct Draw {
    state: u64,
}

impl Draw {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Draw {
        Draw { state: seed }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`; 0 where that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound.max(1) as u64) as usize
    }

    /// True once in `count` draws on average.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// One of several.
    ///
    /// # Panics
    /// Where there is none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// The numbers below `count` in random order.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for place in (1..count).rev() {
            order.swap(place, self.below(place + 1));
        }
        order
    }

    /// A number of a type: floats within 2 of zero (every fourth one a multiple of a half),
    /// integers within 5.
    pub fn number(&mut self, dtype: DType) -> Number {
        if dtype == DType::Bool {
            return Number::Bool(self.one_in(2));
        }
        if dtype.is_integer() {
            let low = if dtype.is_signed() { -5 } else { 0 };
            return Number::Int(low + self.below((5 - low) as usize + 1) as i128);
        }
        let value = match self.one_in(4) {
            true => self.below(9) as f64 / 2.0 - 2.0,
            false => (self.bits() >> 11) as f64 / (1u64 << 51) as f64 - 2.0,
        };
        dtype.round(Number::Float(value))
    }

    /// A tensor of such numbers. `None` where memory cannot be had.
    pub fn tensor(&mut self, dtype: DType, shape: &[usize]) -> Option<Tensor> {
        let mut tensor = Tensor::zeros(dtype, shape).ok()?;
        for place in 0..tensor.element_count() {
            tensor.set(place, self.number(dtype));
        }
        Some(tensor)
    }
}
