use half::{bf16, f16};

use super::{Decoded, Operation};
use crate::Type;
use crate::decoder::{Decoder, Modifiers};
use crate::lane::{LANES, Mask, Slot};
use crate::machine::{Machine, Step};
use crate::syntax::Statement;

/// The product of a matrix of 16 rows and one of 8 columns, spread over the lanes of a warp, and a
/// sum with it.
///
/// Where floats are added in which order is the machine's business: here their sum is rounded once,
/// from 64 bits.
#[derive(Debug, Clone)]
pub(crate) struct MultiplyMatrix {
    /// The types of the factors' elements.
    kinds: [Type; 2],
    /// Columns of the one and rows of the other.
    depth: usize,
    to: Vec<Slot>,
    left: Vec<Slot>,
    right: Vec<Slot>,
    sum: Vec<Slot>,
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    modifiers.expect(&["sync"])?;
    modifiers.expect(&["aligned"])?;
    let depth = [8, 16, 32][modifiers.expect(&["m16n8k8", "m16n8k16", "m16n8k32"])?];
    modifiers.expect(&["row"])?;
    modifiers.expect(&["col"])?;
    modifiers.eat("satfinite");
    let kind = modifiers.kind(&[Type::F32, Type::S32])?;
    let kinds: &[Type] = match (kind, depth) {
        (Type::F32, 8 | 16) => &[Type::F16, Type::Bf16],
        (Type::S32, 16 | 32) => &[Type::S8, Type::U8],
        _ => return decoder.error(format!("`mma` has no sums of {kind} with {depth} products")),
    };
    let factors = [modifiers.kind(kinds)?, modifiers.kind(kinds)?];
    if kind == Type::F32 && factors[0] != factors[1] {
        return decoder.error("`mma` multiplies floats of one type");
    }
    modifiers.kind(&[kind])?;
    let [to, left, right, sum] = decoder.operands(statement)?;
    let registers = depth * factors[0].bytes() as usize / 16;
    let left = decoder.fragment(left, 2 * registers, Type::B32)?;
    let right = decoder.fragment(right, registers, Type::B32)?;
    let sum = decoder.fragment(sum, 4, kind)?;
    let to = decoder.fragment(to, 4, kind)?;
    let multiply = MultiplyMatrix {
        kinds: factors,
        depth,
        to,
        left,
        right,
        sum,
    };
    Ok(Operation::MultiplyMatrix(multiply))
}

impl MultiplyMatrix {
    pub(super) fn run(&self, mask: Mask, machine: &mut Machine<'_>) -> Step {
        machine.whole(mask)?;
        let warp = &mut *machine.warp;
        let all = self.left.iter().chain(&self.right).chain(&self.sum);
        let good = all.fold(!0, |good, slot| good & warp.defined::<u32>(*slot));
        // An element that is not there spoils sums in many lanes.
        let good = if good == !0 { !0 } else { 0 };
        let (left, right) = (self.factor(warp, 0), self.factor(warp, 1));
        let mut results = [[0; LANES]; 4];
        for lane in 0..LANES {
            for (part, results) in results.iter_mut().enumerate() {
                let row = lane / 4 + part / 2 * 8;
                let column = lane % 4 * 2 + part % 2;
                let pairs = left[row].iter().zip(&right[column]).take(self.depth);
                let sum = warp.plane::<u32>(self.sum[part])[lane];
                results[lane] = match self.kinds[0] {
                    Type::F16 | Type::Bf16 => {
                        let start = f64::from(f32::from_bits(sum));
                        let sum = pairs.fold(start, |sum, (a, b)| sum + a * b) as f32;
                        if sum.is_nan() {
                            0x7fff_ffff
                        } else {
                            sum.to_bits()
                        }
                    }
                    _ => pairs.fold(sum, |sum, (a, b)| sum.wrapping_add((a * b) as i32 as u32)),
                };
            }
        }
        for (to, results) in self.to.iter().zip(&results) {
            warp.store::<u32>(*to, mask, results, good);
        }
        Ok(())
    }

    /// A factor's rows, or its columns, of up to 32 elements.
    fn factor(&self, warp: &crate::warp::Warp, side: usize) -> [[f64; 32]; 16] {
        let slots = [&self.left, &self.right][side];
        let kind = self.kinds[side];
        let each = 4 / kind.bytes() as usize;
        let mut elements = [[0.0; 32]; 16];
        for (register, slot) in slots.iter().enumerate() {
            // Left registers alternate between the upper and the lower eight rows.
            let (lower, group) = match side {
                0 => (register % 2 * 8, register / 2),
                _ => (0, register),
            };
            let plane = warp.plane::<u32>(*slot);
            for (lane, bits) in plane.iter().enumerate() {
                for part in 0..each {
                    let bits = bits >> (part as u32 * kind.bytes() * 8);
                    let at = group * 4 * each + lane % 4 * each + part;
                    elements[lane / 4 + lower][at] = match kind {
                        Type::F16 => f16::from_bits(bits as u16).to_f64(),
                        Type::Bf16 => bf16::from_bits(bits as u16).to_f64(),
                        Type::S8 => f64::from(bits as u8 as i8),
                        _ => f64::from(bits as u8),
                    };
                }
            }
        }
        elements
    }
}
