//! What is done to an instruction.

use crate::draw::Draw;
use crate::line::{Line, is_number, is_register};

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Drop,
    Constant,
    /// The offset of an address, or which index a special register is.
    Index,
    /// A guard, a comparison, a choice the other way round.
    Predicate,
    /// A barrier before or behind the next access.
    Move,
    /// Another register of the same type.
    Register,
}

/// Comparisons, and what holds where they do not.
const OPPOSITES: [(&str, &str); 8] = [
    ("eq", "ne"),
    ("ne", "eq"),
    ("lt", "ge"),
    ("ge", "lt"),
    ("gt", "le"),
    ("le", "gt"),
    ("nan", "num"),
    ("num", "nan"),
];

const ALL: [Operator; 6] = [
    Operator::Drop,
    Operator::Constant,
    Operator::Index,
    Operator::Predicate,
    Operator::Move,
    Operator::Register,
];

impl Operator {
    /// The operators that can be applied to a line.
    pub fn of(line: &Line) -> Vec<Operator> {
        ALL.into_iter()
            .filter(|operator| operator.applies(line))
            .collect()
    }

    fn applies(self, line: &Line) -> bool {
        match self {
            Operator::Drop => true,
            // A barrier's number means nothing by itself.
            Operator::Constant => !line.is_barrier() && !constants(line).is_empty(),
            Operator::Index => !offsets(line).is_empty() || !indices(line).is_empty(),
            Operator::Predicate => {
                !line.guard.is_empty() || matches!(line.mnemonic(), "setp" | "selp")
            }
            Operator::Move => line.is_barrier(),
            Operator::Register => !line.places(is_register).is_empty(),
        }
    }

    /// The line after the change. A line that vanishes or moves is changed by whoever has all.
    pub fn change(self, line: &Line, families: &[(String, u32)], draw: &mut Draw) -> Line {
        let mut changed = line.clone();
        match self {
            Operator::Drop | Operator::Move => {}
            Operator::Constant => {
                let at = draw.pick(&constants(line));
                changed.operands[at] = another_number(&line.operands[at], draw);
            }
            Operator::Index => match offsets(line).first() {
                Some(at) => {
                    let step = draw.pick(&["+4", "+16", "-4", "+1", "+256"]);
                    // Behind the offset that is there, if any, the sum of both.
                    let close = at + line.operands[*at..].iter().position(|t| t == "]").unwrap();
                    let old = match line.operands.get(at + 2) {
                        Some(old) if line.operands[at + 1] == "+" => old.parse().unwrap(),
                        _ => 0i64,
                    };
                    let new = old + step.parse::<i64>().unwrap();
                    let offset = ["+".to_owned(), new.to_string()];
                    changed.operands.splice(at + 1..close, offset);
                }
                None => {
                    let at = draw.pick(&indices(line));
                    let others = ["%tid.x", "%ctaid.x", "%laneid", "%ntid.x"];
                    let others: Vec<&str> = others
                        .into_iter()
                        .filter(|other| *other != line.operands[at])
                        .collect();
                    changed.operands[at] = draw.pick(&others).to_owned();
                }
            },
            Operator::Predicate if !line.guard.is_empty() => {
                changed.guard = match line.guard.strip_prefix("@!") {
                    Some(rest) => format!("@{rest}"),
                    None => line.guard.replacen('@', "@!", 1),
                };
            }
            Operator::Predicate if line.mnemonic() == "selp" => changed.operands.swap(2, 4),
            Operator::Predicate => {
                let old = line.opcode.split('.').nth(1).unwrap();
                let pair = OPPOSITES.into_iter().find(|(relation, _)| *relation == old);
                let new = pair.map_or(old, |(_, opposite)| opposite);
                changed.opcode = line
                    .opcode
                    .replacen(&format!(".{old}"), &format!(".{new}"), 1);
            }
            Operator::Register => {
                let at = draw.pick(&line.places(is_register));
                let old = &line.operands[at];
                let family = old.trim_end_matches(|c: char| c.is_ascii_digit());
                let count = families.iter().find(|(name, _)| name == family).unwrap().1;
                changed.operands[at] = format!("{family}{}", draw.below(count as usize - 1) + 1);
            }
        }
        changed
    }
}

/// Where the numbers are that are no offsets.
fn constants(line: &Line) -> Vec<usize> {
    let offset = |at: usize| at > 0 && line.operands[at - 1] == "+";
    line.places(is_number)
        .into_iter()
        .filter(|at| !offset(*at))
        .collect()
}

/// Where the names in brackets are.
fn offsets(line: &Line) -> Vec<usize> {
    if !line.is_access() {
        return Vec::new();
    }
    (1..line.operands.len())
        .filter(|at| line.operands[at - 1] == "[")
        .collect()
}

/// Where special registers are.
fn indices(line: &Line) -> Vec<usize> {
    line.places(|token| token.starts_with('%') && !is_register(token))
}

fn another_number(old: &str, draw: &mut Draw) -> String {
    if let Some(bits) = old.strip_prefix("0f") {
        let x = f32::from_bits(u32::from_str_radix(bits, 16).unwrap());
        let new = match draw.below(3) {
            0 => x + 1.0,
            1 => x * 2.0 + f32::from(x == 0.0),
            _ => -x - f32::from(x == 0.0),
        };
        return format!("0f{:08X}", new.to_bits());
    }
    if let Some(bits) = old.strip_prefix("0d") {
        let x = f64::from_bits(u64::from_str_radix(bits, 16).unwrap());
        let new = if draw.below(2) == 0 {
            x + 1.0
        } else {
            -x - f64::from(x == 0.0)
        };
        return format!("0d{:016X}", new.to_bits());
    }
    let value: i64 = match old.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).unwrap() as i64,
        None => old.parse().unwrap(),
    };
    let new = match draw.below(4) {
        0 => value + 1,
        1 => value - 1,
        2 => value * 2 + i64::from(value == 0),
        _ => value / 2 - i64::from(value == 0),
    };
    new.to_string()
}
