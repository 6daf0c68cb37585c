use super::{Decoded, Operation};
use crate::Type;
use crate::decoder::{Condition, Decoder, Modifiers, is_wide};
use crate::lane::{BITS, LANES, Mask, Plane, Slot, lanes};
use crate::machine::{Machine, Step};
use crate::syntax::Statement;

/// Lanes agree on something.
#[derive(Debug, Clone)]
pub(crate) enum Vote {
    /// Whether a condition holds in all, in any, or in all or none.
    Holds {
        how: How,
        to: Slot,
        condition: Condition,
        members: Slot,
    },
    /// The lanes where a condition holds.
    Ballot {
        to: Slot,
        condition: Condition,
        members: Slot,
    },
    /// The lanes that are here.
    Active { to: Slot },
    /// The lanes that have the same value.
    MatchAny {
        wide: bool,
        to: Slot,
        from: Slot,
        members: Slot,
    },
    /// All lanes if they have the same value, and whether.
    MatchAll {
        wide: bool,
        to: Slot,
        same: Option<Slot>,
        from: Slot,
        members: Slot,
    },
    Reduce {
        function: Function,
        signed: bool,
        to: Slot,
        from: Slot,
        members: Slot,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    All,
    Any,
    Uniform,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Add,
    Minimum,
    Maximum,
    And,
    Or,
    Xor,
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let vote = match statement.opcode {
        "activemask" => {
            modifiers.kind(&[Type::B32])?;
            let [to] = decoder.operands(statement)?;
            Vote::Active {
                to: decoder.result(to, Type::B32)?,
            }
        }
        "vote" => {
            modifiers.expect(&["sync"])?;
            let how = modifiers.expect(&["all", "any", "uni", "ballot"])?;
            let kind = modifiers.kind(&[[Type::Predicate], [Type::B32]][how / 3])?;
            let [to, condition, members] = decoder.operands(statement)?;
            let to = decoder.result(to, kind)?;
            let condition = decoder.condition(condition)?;
            let members = decoder.source(members, Type::B32)?;
            match [How::All, How::Any, How::Uniform].get(how) {
                Some(how) => Vote::Holds {
                    how: *how,
                    to,
                    condition,
                    members,
                },
                None => Vote::Ballot {
                    to,
                    condition,
                    members,
                },
            }
        }
        "match" => {
            let all = modifiers.expect(&["any", "all"])? == 1;
            modifiers.expect(&["sync"])?;
            let kind = modifiers.kind(&[Type::B32, Type::B64])?;
            let wide = is_wide(kind);
            let [to, from, members] = decoder.operands(statement)?;
            let from = decoder.source(from, kind)?;
            let members = decoder.source(members, Type::B32)?;
            if all {
                let (to, same) = decoder.results(to, [Type::B32, Type::Predicate])?;
                Vote::MatchAll {
                    wide,
                    to,
                    same,
                    from,
                    members,
                }
            } else {
                Vote::MatchAny {
                    wide,
                    to: decoder.result(to, Type::B32)?,
                    from,
                    members,
                }
            }
        }
        _ => {
            modifiers.expect(&["sync"])?;
            let at = modifiers.expect(&["add", "min", "max", "and", "or", "xor"])?;
            let kinds: &[Type] = if at < 3 {
                &[Type::U32, Type::S32]
            } else {
                &[Type::B32]
            };
            let function = [
                Function::Add,
                Function::Minimum,
                Function::Maximum,
                Function::And,
                Function::Or,
                Function::Xor,
            ][at];
            let kind = modifiers.kind(kinds)?;
            let [to, from, members] = decoder.operands(statement)?;
            let from = decoder.source(from, kind)?;
            let members = decoder.source(members, Type::B32)?;
            let to = decoder.result(to, kind)?;
            Vote::Reduce {
                function,
                signed: kind.is_signed(),
                to,
                from,
                members,
            }
        }
    };
    Ok(Operation::Vote(vote))
}

impl Vote {
    pub(super) fn run(&self, mask: Mask, machine: &mut Machine<'_>) -> Step {
        match *self {
            Vote::Active { to } => machine.warp.store::<u32>(to, mask, &[mask; LANES], !0),
            Vote::Holds {
                how,
                to,
                condition,
                members,
            } => {
                let groups = machine.converge(mask, members)?;
                let (holds, defined) = machine.warp.condition(condition);
                let (mut values, mut good) = (0, 0);
                for group in groups {
                    let agreed = match how {
                        How::All => holds & group == group,
                        How::Any => holds & group != 0,
                        How::Uniform => holds & group == group || holds & group == 0,
                    };
                    values |= if agreed { group } else { 0 };
                    good |= if defined & group == group { group } else { 0 };
                }
                machine.warp.store_predicate(to, mask, values, good);
            }
            Vote::Ballot {
                to,
                condition,
                members,
            } => {
                let groups = machine.converge(mask, members)?;
                let (holds, defined) = machine.warp.condition(condition);
                let (mut values, mut good) = ([0; LANES], 0);
                for group in groups {
                    lanes(group).for_each(|lane| values[lane] = holds & group);
                    good |= if defined & group == group { group } else { 0 };
                }
                machine.warp.store::<u32>(to, mask, &values, good);
            }
            Vote::MatchAny {
                wide,
                to,
                from,
                members,
            } => {
                let groups = machine.converge(mask, members)?;
                let (keys, defined) = keys(machine, from, wide);
                let (mut values, mut good) = ([0; LANES], 0);
                for group in groups {
                    for lane in lanes(group) {
                        let same = lanes(group).filter(|other| keys[*other] == keys[lane]);
                        values[lane] = same.fold(0, |all, other| all | BITS[other]);
                    }
                    good |= if defined & group == group { group } else { 0 };
                }
                machine.warp.store::<u32>(to, mask, &values, good);
            }
            Vote::MatchAll {
                wide,
                to,
                same,
                from,
                members,
            } => {
                let groups = machine.converge(mask, members)?;
                let (keys, defined) = keys(machine, from, wide);
                let (mut values, mut all, mut good) = ([0; LANES], 0, 0);
                for group in groups {
                    let mut found = lanes(group).map(|lane| keys[lane]);
                    let first = found.next();
                    if found.all(|key| Some(key) == first) {
                        lanes(group).for_each(|lane| values[lane] = group);
                        all |= group;
                    }
                    good |= if defined & group == group { group } else { 0 };
                }
                machine.warp.store::<u32>(to, mask, &values, good);
                if let Some(same) = same {
                    machine.warp.store_predicate(same, mask, all, good);
                }
            }
            Vote::Reduce {
                function,
                signed,
                to,
                from,
                members,
            } => {
                let groups = machine.converge(mask, members)?;
                let plane = *machine.warp.plane::<u32>(from);
                let defined = machine.warp.defined::<u32>(from);
                let (mut values, mut good) = ([0; LANES], 0);
                for group in groups {
                    let found = lanes(group).map(|lane| plane[lane]);
                    let one = found.reduce(|a, b| function.of(a, b, signed)).unwrap_or(0);
                    lanes(group).for_each(|lane| values[lane] = one);
                    good |= if defined & group == group { group } else { 0 };
                }
                machine.warp.store::<u32>(to, mask, &values, good);
            }
        }
        Ok(())
    }
}

fn keys(machine: &Machine<'_>, from: Slot, wide: bool) -> (Plane<u64>, Mask) {
    match wide {
        true => (
            *machine.warp.plane::<u64>(from),
            machine.warp.defined::<u64>(from),
        ),
        false => {
            let keys = machine.warp.plane::<u32>(from).map(u64::from);
            (keys, machine.warp.defined::<u32>(from))
        }
    }
}

impl Function {
    fn of(self, a: u32, b: u32, signed: bool) -> u32 {
        let less = if signed { (a as i32) < b as i32 } else { a < b };
        match self {
            Function::Add => a.wrapping_add(b),
            Function::Minimum => {
                if less {
                    a
                } else {
                    b
                }
            }
            Function::Maximum => {
                if less {
                    b
                } else {
                    a
                }
            }
            Function::And => a & b,
            Function::Or => a | b,
            Function::Xor => a ^ b,
        }
    }
}
