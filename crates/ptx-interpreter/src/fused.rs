use crate::lane::{LANES, Plane};

/// `a * b + c` of 32-bit floats, rounded once, in every lane.
pub(crate) fn multiply_add(operands: [&Plane<u32>; 3]) -> Plane<u32> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("fma") && std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: this machine has what the function is compiled for.
        return unsafe { with_fma(operands) };
    }
    every_lane(operands)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_fma(operands: [&Plane<u32>; 3]) -> Plane<u32> {
    every_lane(operands)
}

#[inline(always)]
fn every_lane([a, b, c]: [&Plane<u32>; 3]) -> Plane<u32> {
    let mut values = [0; LANES];
    for lane in 0..LANES {
        let [a, b, c] = [a[lane], b[lane], c[lane]].map(f32::from_bits);
        let sum = a.mul_add(b, c);
        values[lane] = if sum.is_nan() {
            0x7fff_ffff
        } else {
            sum.to_bits()
        };
    }
    values
}
