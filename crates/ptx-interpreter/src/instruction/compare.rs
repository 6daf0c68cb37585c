use super::{Decoded, Operation};
use crate::Type;
use crate::decoder::{Condition, Decoder, Modifiers, is_wide};
use crate::lane::{BITS, LANES, Lane, Mask, Slot};
use crate::syntax::Statement;
use crate::warp::Warp;

/// Comparisons, and choices by predicates.
#[derive(Debug, Clone)]
pub(crate) enum Compare {
    /// The comparison, joined with a condition; its result, and that of the opposite.
    Set {
        relation: Relation,
        kind: Type,
        with: Option<(Join, Condition)>,
        to: Slot,
        opposite: Option<Slot>,
        from: [Slot; 2],
    },
    Select {
        wide: bool,
        to: Slot,
        from: [Slot; 2],
        by: Slot,
    },
    Test {
        property: Property,
        wide: bool,
        to: Slot,
        a: Slot,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    And,
    Or,
    Xor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property {
    Finite,
    Infinite,
    Number,
    NotANumber,
    Normal,
    Subnormal,
}

/// How two numbers must stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Relation {
    less: bool,
    equal: bool,
    greater: bool,
    /// Of what cannot be compared.
    unordered: bool,
}

const RELATIONS: [(&str, [bool; 4]); 18] = [
    ("eq", [false, true, false, false]),
    ("ne", [true, false, true, false]),
    ("lt", [true, false, false, false]),
    ("le", [true, true, false, false]),
    ("gt", [false, false, true, false]),
    ("ge", [false, true, true, false]),
    ("equ", [false, true, false, true]),
    ("neu", [true, false, true, true]),
    ("ltu", [true, false, false, true]),
    ("leu", [true, true, false, true]),
    ("gtu", [false, false, true, true]),
    ("geu", [false, true, true, true]),
    ("num", [true, true, true, false]),
    ("nan", [false, false, false, true]),
    ("lo", [true, false, false, false]),
    ("ls", [true, true, false, false]),
    ("hi", [false, false, true, false]),
    ("hs", [false, true, true, false]),
];

const KINDS: [Type; 11] = [
    Type::B16,
    Type::B32,
    Type::B64,
    Type::U16,
    Type::U32,
    Type::U64,
    Type::S16,
    Type::S32,
    Type::S64,
    Type::F32,
    Type::F64,
];

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let compare = match statement.opcode {
        "setp" => {
            let names = RELATIONS.map(|(name, _)| name);
            let at = modifiers.expect(&names)?;
            let [less, equal, greater, unordered] = RELATIONS[at].1;
            let join = modifiers.one_of(&["and", "or", "xor"]);
            let join = join.map(|at| [Join::And, Join::Or, Join::Xor][at]);
            let kind = modifiers.kind(&KINDS)?;
            let allowed = match at {
                0 | 1 => true,
                2..=5 => !kind.is_bits(),
                6..=13 => kind.is_float(),
                _ => kind.is_integer() && !kind.is_signed(),
            };
            if !allowed {
                return decoder.error(format!("`setp.{}` does not compare {kind}", names[at]));
            }
            // Of numbers that can all be compared, so that it is one comparison a lane.
            let unordered = unordered || at == 1 && !kind.is_float();
            let relation = Relation {
                less,
                equal,
                greater,
                unordered,
            };
            let (to, a, b, with) = match join {
                Some(join) => {
                    let [to, a, b, c] = decoder.operands(statement)?;
                    (to, a, b, Some((join, decoder.condition(c)?)))
                }
                None => {
                    let [to, a, b] = decoder.operands(statement)?;
                    (to, a, b, None)
                }
            };
            let from = [decoder.source(a, kind)?, decoder.source(b, kind)?];
            let (to, opposite) = decoder.results(to, [Type::Predicate; 2])?;
            Compare::Set {
                relation,
                kind,
                with,
                to,
                opposite,
                from,
            }
        }
        "selp" => {
            let kind = modifiers.kind(&KINDS)?;
            let [to, a, b, by] = decoder.operands(statement)?;
            let from = [decoder.source(a, kind)?, decoder.source(b, kind)?];
            let by = decoder.source(by, Type::Predicate)?;
            Compare::Select {
                wide: is_wide(kind),
                to: decoder.result(to, kind)?,
                from,
                by,
            }
        }
        _ => {
            let names = [
                "finite",
                "infinite",
                "number",
                "notanumber",
                "normal",
                "subnormal",
            ];
            let property = [
                Property::Finite,
                Property::Infinite,
                Property::Number,
                Property::NotANumber,
                Property::Normal,
                Property::Subnormal,
            ][modifiers.expect(&names)?];
            let kind = modifiers.kind(&[Type::F32, Type::F64])?;
            let [to, a] = decoder.operands(statement)?;
            let a = decoder.source(a, kind)?;
            let to = decoder.result(to, Type::Predicate)?;
            Compare::Test {
                property,
                wide: is_wide(kind),
                to,
                a,
            }
        }
    };
    Ok(Operation::Compare(compare))
}

impl Relation {
    #[inline(always)]
    fn run<T: Lane + PartialOrd>(self, warp: &Warp, from: [Slot; 2]) -> (Mask, Mask) {
        let Relation {
            less,
            equal,
            greater,
            unordered,
        } = self;
        // The common ones by themselves, so that each is one comparison a lane.
        match (less, equal, greater, unordered) {
            (true, false, false, false) => warp.compare(from, |a: T, b: T| a < b),
            (true, true, false, false) => warp.compare(from, |a: T, b: T| a <= b),
            (false, false, true, false) => warp.compare(from, |a: T, b: T| a > b),
            (false, true, true, false) => warp.compare(from, |a: T, b: T| a >= b),
            (false, true, false, false) => warp.compare(from, |a: T, b: T| a == b),
            (true, false, true, true) => warp.compare(from, |a: T, b: T| a != b),
            _ => warp.compare(from, |a: T, b: T| {
                let ordered = less && a < b || equal && a == b || greater && a > b;
                ordered || unordered && a.partial_cmp(&b).is_none()
            }),
        }
    }
}

impl Compare {
    pub(super) fn run(&self, mask: Mask, warp: &mut Warp) {
        match self {
            Compare::Set {
                relation,
                kind,
                with,
                to,
                opposite,
                from,
            } => {
                let (mut holds, mut good) = match kind {
                    Type::B16 | Type::B32 | Type::U16 | Type::U32 => {
                        relation.run::<u32>(warp, *from)
                    }
                    Type::S16 => relation.run::<i16>(warp, *from),
                    Type::S32 => relation.run::<i32>(warp, *from),
                    Type::S64 => relation.run::<i64>(warp, *from),
                    Type::F32 => relation.run::<f32>(warp, *from),
                    Type::F64 => relation.run::<f64>(warp, *from),
                    _ => relation.run::<u64>(warp, *from),
                };
                let mut fails = !holds;
                if let Some((join, condition)) = with {
                    let (values, defined) = warp.condition(*condition);
                    let of = |a: Mask| match join {
                        Join::And => a & values,
                        Join::Or => a | values,
                        Join::Xor => a ^ values,
                    };
                    (holds, fails) = (of(holds), of(fails));
                    good &= defined;
                }
                warp.store_predicate(*to, mask, holds, good);
                if let Some(opposite) = opposite {
                    warp.store_predicate(*opposite, mask, fails, good);
                }
            }
            Compare::Select {
                wide: false,
                to,
                from,
                by,
            } => {
                select::<u32>(mask, warp, *to, *from, *by);
            }
            Compare::Select {
                wide: true,
                to,
                from,
                by,
            } => {
                select::<u64>(mask, warp, *to, *from, *by);
            }
            Compare::Test {
                property,
                wide,
                to,
                a,
            } => {
                let test = |x: f64, normal: bool| match property {
                    Property::Finite => x.is_finite(),
                    Property::Infinite => x.is_infinite(),
                    Property::Number => !x.is_nan(),
                    Property::NotANumber => x.is_nan(),
                    Property::Normal => normal,
                    Property::Subnormal => x.is_finite() && !normal && x != 0.0,
                };
                let both = [*a; 2];
                let (holds, good) = if *wide {
                    warp.compare(both, |x: f64, _| test(x, x.is_normal()))
                } else {
                    warp.compare(both, |x: f32, _| test(f64::from(x), x.is_normal()))
                };
                warp.store_predicate(*to, mask, holds, good);
            }
        }
    }
}

fn select<T: crate::lane::Bits>(
    mask: Mask,
    warp: &mut Warp,
    to: Slot,
    [a, b]: [Slot; 2],
    by: Slot,
) {
    let first = warp.predicates[by.0 as usize];
    let (x, y) = (warp.plane::<T>(a), warp.plane::<T>(b));
    let mut values = [T::default(); LANES];
    for lane in 0..LANES {
        values[lane] = if first & BITS[lane] != 0 {
            x[lane]
        } else {
            y[lane]
        };
    }
    let chosen = warp.defined::<T>(a) & first | warp.defined::<T>(b) & !first;
    let good = chosen & warp.predicates_defined[by.0 as usize];
    warp.store(to, mask, &values, good);
}
