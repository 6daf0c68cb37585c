use super::{Decoded, Operation};
use crate::Type;
use crate::decoder::{Decoder, Modifiers, is_wide};
use crate::lane::{Mask, Slot};
use crate::syntax::Statement;
use crate::warp::Warp;

/// Operations on bits. Where a flag says `wide`, of 64 of them, and of 32 or less otherwise.
#[derive(Debug, Clone)]
pub(crate) enum Bits {
    Logic {
        function: Logic,
        wide: bool,
        to: Slot,
        from: [Slot; 2],
    },
    Not {
        kind: Type,
        to: Slot,
        a: Slot,
    },
    PredicateLogic {
        function: Logic,
        to: Slot,
        from: [Slot; 2],
    },
    PredicateNot {
        to: Slot,
        a: Slot,
    },
    ShiftLeft {
        kind: Type,
        to: Slot,
        from: [Slot; 2],
    },
    ShiftRight {
        kind: Type,
        to: Slot,
        from: [Slot; 2],
    },
    Count {
        function: Count,
        wide: bool,
        to: Slot,
        a: Slot,
    },
    FindHighest {
        kind: Type,
        to: Slot,
        a: Slot,
    },
    Reverse {
        wide: bool,
        to: Slot,
        a: Slot,
    },
    Extract {
        kind: Type,
        to: Slot,
        from: [Slot; 3],
    },
    Insert {
        wide: bool,
        to: Slot,
        from: [Slot; 4],
    },
    Permute {
        to: Slot,
        from: [Slot; 3],
    },
    Table {
        table: u8,
        to: Slot,
        from: [Slot; 3],
    },
    Funnel {
        left: bool,
        wrap: bool,
        to: Slot,
        from: [Slot; 3],
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logic {
    And,
    Or,
    Xor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// The ones.
    Ones,
    /// The zeros above the highest one.
    LeadingZeros,
}

const BITS: [Type; 3] = [Type::B16, Type::B32, Type::B64];
const LOGIC: [Type; 4] = [Type::Predicate, Type::B16, Type::B32, Type::B64];
const SHIFTED: [Type; 9] = [
    Type::B16,
    Type::B32,
    Type::B64,
    Type::U16,
    Type::U32,
    Type::U64,
    Type::S16,
    Type::S32,
    Type::S64,
];
const NUMBERS: [Type; 4] = [Type::U32, Type::U64, Type::S32, Type::S64];

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let bits = match statement.opcode {
        "and" | "or" | "xor" => {
            let function = match statement.opcode {
                "and" => Logic::And,
                "or" => Logic::Or,
                _ => Logic::Xor,
            };
            let kind = modifiers.kind(&LOGIC)?;
            let [to, a, b] = decoder.operands(statement)?;
            let from = [decoder.source(a, kind)?, decoder.source(b, kind)?];
            let to = decoder.result(to, kind)?;
            match kind {
                Type::Predicate => Bits::PredicateLogic { function, to, from },
                _ => Bits::Logic {
                    function,
                    wide: is_wide(kind),
                    to,
                    from,
                },
            }
        }
        "not" => {
            let kind = modifiers.kind(&LOGIC)?;
            let [to, a] = decoder.operands(statement)?;
            let (a, to) = (decoder.source(a, kind)?, decoder.result(to, kind)?);
            match kind {
                Type::Predicate => Bits::PredicateNot { to, a },
                _ => Bits::Not { kind, to, a },
            }
        }
        "shl" | "shr" => {
            let left = statement.opcode == "shl";
            let kind = modifiers.kind(if left { &BITS } else { &SHIFTED })?;
            let [to, a, b] = decoder.operands(statement)?;
            let from = [decoder.source(a, kind)?, decoder.source(b, Type::U32)?];
            let to = decoder.result(to, kind)?;
            match left {
                true => Bits::ShiftLeft { kind, to, from },
                false => Bits::ShiftRight { kind, to, from },
            }
        }
        "popc" | "clz" | "brev" => {
            let kind = modifiers.kind(&BITS[1..])?;
            let [to, a] = decoder.operands(statement)?;
            let (a, wide) = (decoder.source(a, kind)?, is_wide(kind));
            let count = |function, to| Bits::Count {
                function,
                wide,
                to,
                a,
            };
            match statement.opcode {
                "popc" => count(Count::Ones, decoder.result(to, Type::U32)?),
                "clz" => count(Count::LeadingZeros, decoder.result(to, Type::U32)?),
                _ => Bits::Reverse {
                    wide,
                    to: decoder.result(to, kind)?,
                    a,
                },
            }
        }
        "bfind" => {
            let kind = modifiers.kind(&NUMBERS)?;
            let [to, a] = decoder.operands(statement)?;
            let a = decoder.source(a, kind)?;
            Bits::FindHighest {
                kind,
                to: decoder.result(to, Type::U32)?,
                a,
            }
        }
        "bfe" => {
            let kind = modifiers.kind(&NUMBERS)?;
            let [to, a, b, c] = decoder.operands(statement)?;
            let a = decoder.source(a, kind)?;
            let from = [
                a,
                decoder.source(b, Type::U32)?,
                decoder.source(c, Type::U32)?,
            ];
            Bits::Extract {
                kind,
                to: decoder.result(to, kind)?,
                from,
            }
        }
        "bfi" => {
            let kind = modifiers.kind(&BITS[1..])?;
            let [to, a, b, c, d] = decoder.operands(statement)?;
            let [a, b] = [decoder.source(a, kind)?, decoder.source(b, kind)?];
            let from = [
                a,
                b,
                decoder.source(c, Type::U32)?,
                decoder.source(d, Type::U32)?,
            ];
            Bits::Insert {
                wide: is_wide(kind),
                to: decoder.result(to, kind)?,
                from,
            }
        }
        "lop3" => {
            modifiers.kind(&[Type::B32])?;
            let [to, a, b, c, table] = decoder.operands(statement)?;
            let [a, b] = [decoder.source(a, Type::B32)?, decoder.source(b, Type::B32)?];
            let from = [a, b, decoder.source(c, Type::B32)?];
            let table = decoder.literal(table, 256)? as u8;
            Bits::Table {
                table,
                to: decoder.result(to, Type::B32)?,
                from,
            }
        }
        _ => {
            let permutes = statement.opcode == "prmt";
            let (mut left, mut wrap) = (false, false);
            if !permutes {
                left = modifiers.expect(&["l", "r"])? == 0;
                wrap = modifiers.expect(&["wrap", "clamp"])? == 0;
            }
            modifiers.kind(&[Type::B32])?;
            let [to, a, b, c] = decoder.operands(statement)?;
            let [a, b] = [decoder.source(a, Type::B32)?, decoder.source(b, Type::B32)?];
            let from = [a, b, decoder.source(c, Type::U32)?];
            let to = decoder.result(to, Type::B32)?;
            match permutes {
                true => Bits::Permute { to, from },
                false => Bits::Funnel {
                    left,
                    wrap,
                    to,
                    from,
                },
            }
        }
    };
    Ok(Operation::Bits(bits))
}

impl Logic {
    fn of_masks(self, a: Mask, b: Mask) -> Mask {
        match self {
            Logic::And => a & b,
            Logic::Or => a | b,
            Logic::Xor => a ^ b,
        }
    }
}

impl Bits {
    pub(super) fn run(&self, mask: Mask, warp: &mut Warp) {
        match *self {
            Bits::Logic {
                function,
                wide: false,
                to,
                from,
            } => match function {
                Logic::And => warp.binary(mask, to, from, |a: u32, b: u32| a & b),
                Logic::Or => warp.binary(mask, to, from, |a: u32, b: u32| a | b),
                Logic::Xor => warp.binary(mask, to, from, |a: u32, b: u32| a ^ b),
            },
            Bits::Logic {
                function,
                wide: true,
                to,
                from,
            } => match function {
                Logic::And => warp.binary(mask, to, from, |a: u64, b: u64| a & b),
                Logic::Or => warp.binary(mask, to, from, |a: u64, b: u64| a | b),
                Logic::Xor => warp.binary(mask, to, from, |a: u64, b: u64| a ^ b),
            },
            Bits::Not { kind, to, a } => match kind {
                Type::B16 => warp.unary(mask, to, a, |a: u16| !a),
                Type::B32 => warp.unary(mask, to, a, |a: u32| !a),
                _ => warp.unary(mask, to, a, |a: u64| !a),
            },
            Bits::PredicateLogic {
                function,
                to,
                from: [a, b],
            } => {
                let [a, b] = [a, b].map(|slot| slot.0 as usize);
                let values = function.of_masks(warp.predicates[a], warp.predicates[b]);
                let good = warp.predicates_defined[a] & warp.predicates_defined[b];
                warp.store_predicate(to, mask, values, good);
            }
            Bits::PredicateNot { to, a } => {
                let a = a.0 as usize;
                let (values, good) = (!warp.predicates[a], warp.predicates_defined[a]);
                warp.store_predicate(to, mask, values, good);
            }
            Bits::ShiftLeft { kind, to, from } => match kind {
                Type::B16 => warp.binary(mask, to, from, |a: u16, b: u32| {
                    a.checked_shl(b).unwrap_or(0)
                }),
                Type::B32 => warp.binary(mask, to, from, |a: u32, b: u32| {
                    a.checked_shl(b).unwrap_or(0)
                }),
                _ => warp.binary(mask, to, from, |a: u64, b: u32| {
                    a.checked_shl(b).unwrap_or(0)
                }),
            },
            Bits::ShiftRight { kind, to, from } => match kind {
                Type::S16 => warp.binary(mask, to, from, |a: i16, b: u32| a >> b.min(15)),
                Type::S32 => warp.binary(mask, to, from, |a: i32, b: u32| a >> b.min(31)),
                Type::S64 => warp.binary(mask, to, from, |a: i64, b: u32| a >> b.min(63)),
                Type::U64 | Type::B64 => warp.binary(mask, to, from, |a: u64, b: u32| {
                    a.checked_shr(b).unwrap_or(0)
                }),
                // Registers of less hold zeros above.
                _ => warp.binary(mask, to, from, |a: u32, b: u32| {
                    a.checked_shr(b).unwrap_or(0)
                }),
            },
            Bits::Count {
                function: Count::Ones,
                wide,
                to,
                a,
            } => match wide {
                true => warp.unary(mask, to, a, u64::count_ones),
                false => warp.unary(mask, to, a, u32::count_ones),
            },
            Bits::Count {
                function: Count::LeadingZeros,
                wide,
                to,
                a,
            } => match wide {
                true => warp.unary(mask, to, a, u64::leading_zeros),
                false => warp.unary(mask, to, a, u32::leading_zeros),
            },
            Bits::FindHighest { kind, to, a } => {
                let highest = |zeros: u32, width: u32| match zeros {
                    zeros if zeros == width => !0,
                    zeros => width - 1 - zeros,
                };
                match kind {
                    Type::U32 => {
                        warp.unary(mask, to, a, |a: u32| highest(a.leading_zeros(), 32));
                    }
                    Type::S32 => warp.unary(mask, to, a, |a: i32| {
                        highest((if a < 0 { !a } else { a }).leading_zeros(), 32)
                    }),
                    Type::U64 => {
                        warp.unary(mask, to, a, |a: u64| highest(a.leading_zeros(), 64));
                    }
                    _ => warp.unary(mask, to, a, |a: i64| {
                        highest((if a < 0 { !a } else { a }).leading_zeros(), 64)
                    }),
                }
            }
            Bits::Reverse { wide, to, a } => match wide {
                true => warp.unary(mask, to, a, u64::reverse_bits),
                false => warp.unary(mask, to, a, u32::reverse_bits),
            },
            Bits::Extract { kind, to, from } => {
                let signed = kind.is_signed();
                if is_wide(kind) {
                    warp.ternary(mask, to, from, |a: u64, at: u32, count: u32| {
                        extract(a, 64, at, count, signed)
                    });
                } else {
                    warp.ternary(mask, to, from, |a: u32, at: u32, count: u32| {
                        extract(u64::from(a), 32, at, count, signed) as u32
                    });
                }
            }
            Bits::Insert { wide, to, from } => insert(wide, mask, warp, to, from),
            Bits::Permute { to, from } => warp.ternary(mask, to, from, permute),
            Bits::Table { table, to, from } => {
                warp.ternary(mask, to, from, |a: u32, b: u32, c: u32| {
                    (0..8u32)
                        .filter(|row| table >> row & 1 == 1)
                        .fold(0, |all, row| {
                            let pick = |word: u32, bit: u32| if bit == 1 { word } else { !word };
                            all | pick(a, row >> 2 & 1) & pick(b, row >> 1 & 1) & pick(c, row & 1)
                        })
                });
            }
            Bits::Funnel {
                left,
                wrap,
                to,
                from,
            } => {
                warp.ternary(mask, to, from, |low: u32, high: u32, by: u32| {
                    let by = if wrap { by & 31 } else { by.min(32) };
                    let both = u64::from(high) << 32 | u64::from(low);
                    if left {
                        (both << by >> 32) as u32
                    } else {
                        (both >> by) as u32
                    }
                });
            }
        }
    }
}

/// `count` bits from bit `at` on; bits above `width` are copies of the sign, if any.
fn extract(a: u64, width: u32, at: u32, count: u32, signed: bool) -> u64 {
    let (at, count) = (at & 0xff, count & 0xff);
    let sign_at = (at + count).min(width).wrapping_sub(1).min(width - 1);
    let sign = signed && count > 0 && a >> sign_at & 1 == 1;
    let found = a.checked_shr(at).unwrap_or(0);
    let kept = count.min(width.saturating_sub(at));
    let low = 1u64.checked_shl(kept).map_or(!0, |bit| bit - 1);
    found & low | if sign { !low } else { 0 }
}

/// The bits of `a` go into `b`, from a bit on, as many as said.
fn insert(wide: bool, mask: Mask, warp: &mut Warp, to: Slot, [a, b, at, count]: [Slot; 4]) {
    let (place, length) = (*warp.plane::<u32>(at), *warp.plane::<u32>(count));
    let good = warp.defined::<u32>(at) & warp.defined::<u32>(count);
    let merge = |a: u64, b: u64, lane: usize| {
        let (at, count) = (place[lane] & 0xff, length[lane] & 0xff);
        let low = 1u64.checked_shl(count).map_or(!0, |bit| bit - 1);
        let field = low.checked_shl(at).unwrap_or(0);
        b & !field | a.checked_shl(at).unwrap_or(0) & field
    };
    if wide {
        let (x, y) = (warp.plane::<u64>(a), warp.plane::<u64>(b));
        let values = std::array::from_fn(|lane| merge(x[lane], y[lane], lane));
        let good = good & warp.defined::<u64>(a) & warp.defined::<u64>(b);
        warp.store::<u64>(to, mask, &values, good);
    } else {
        let (x, y) = (warp.plane::<u32>(a), warp.plane::<u32>(b));
        let values =
            std::array::from_fn(|lane| merge(u64::from(x[lane]), u64::from(y[lane]), lane) as u32);
        let good = good & warp.defined::<u32>(a) & warp.defined::<u32>(b);
        warp.store::<u32>(to, mask, &values, good);
    }
}

/// Four bytes of eight, each chosen by four bits, of which the highest asks for copies of its sign.
fn permute(a: u32, b: u32, choice: u32) -> u32 {
    let both = u64::from(b) << 32 | u64::from(a);
    (0..4).fold(0, |all, at| {
        let pick = choice >> (4 * at) & 0xf;
        let byte = (both >> (8 * (pick & 7))) as u8;
        let byte = if pick & 8 == 0 {
            byte
        } else {
            ((byte as i8) >> 7) as u8
        };
        all | u32::from(byte) << (8 * at)
    })
}
