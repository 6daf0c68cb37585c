use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a contraction sums over: a letter an axis, as in `ab,bc->ac`. A letter in both operands
/// and the result is a batch axis, one in both operands alone is contracted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Einsum {
    /// The axes of the first operand.
    pub left: Vec<char>,
    /// The axes of the second operand.
    pub right: Vec<char>,
    /// The axes of the result.
    pub output: Vec<char>,
}

impl Einsum {
    /// A spec, checked: no letter twice in a part, each output letter in an operand, and each
    /// operand letter in the other operand or in the output.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub fn new(left: &[char], right: &[char], output: &[char]) -> Result<Einsum, String> {
        for part in [left, right, output] {
            for (position, letter) in part.iter().enumerate() {
                if part[..position].contains(letter) {
                    return Err(format!("axis `{letter}` stands twice in one part"));
                }
            }
        }
        if let Some(letter) = output
            .iter()
            .find(|letter| !left.contains(letter) && !right.contains(letter))
        {
            return Err(format!("axis `{letter}` of the result is in no operand"));
        }
        for (own, other) in [(left, right), (right, left)] {
            let lonely = |letter: &&char| !other.contains(letter) && !output.contains(letter);
            if let Some(letter) = own.iter().find(lonely) {
                return Err(format!("axis `{letter}` is in one operand alone"));
            }
        }
        Ok(Einsum {
            left: left.to_vec(),
            right: right.to_vec(),
            output: output.to_vec(),
        })
    }

    /// Axes in both operands and the result, in the result's order.
    pub fn batch(&self) -> Vec<char> {
        self.select(&self.output, |letter| {
            self.left.contains(letter) && self.right.contains(letter)
        })
    }

    /// Axes of the first operand and the result alone, in the result's order.
    pub fn rows(&self) -> Vec<char> {
        self.select(&self.output, |letter| !self.right.contains(letter))
    }

    /// Axes of the second operand and the result alone, in the result's order.
    pub fn columns(&self) -> Vec<char> {
        self.select(&self.output, |letter| !self.left.contains(letter))
    }

    /// Axes that are summed over, in the first operand's order.
    pub fn contracted(&self) -> Vec<char> {
        self.select(&self.left, |letter| !self.output.contains(letter))
    }

    fn select(&self, letters: &[char], keep: impl Fn(&char) -> bool) -> Vec<char> {
        letters
            .iter()
            .copied()
            .filter(|letter| keep(letter))
            .collect()
    }

    /// The same spec with letters `a`, `b`, ... by first appearance: equal contractions get equal specs.
    #[must_use]
    pub fn canonical(&self) -> Einsum {
        let mut seen: Vec<char> = Vec::new();
        let mut rename = |letters: &[char]| -> Vec<char> {
            let place = |letter: &char| {
                let position = seen
                    .iter()
                    .position(|known| known == letter)
                    .unwrap_or_else(|| {
                        seen.push(*letter);
                        seen.len() - 1
                    });
                char::from_u32('a' as u32 + position as u32).unwrap_or('a')
            };
            letters.iter().map(place).collect()
        };
        let (left, right) = (rename(&self.left), rename(&self.right));
        let output = rename(&self.output);
        Einsum {
            left,
            right,
            output,
        }
    }
}

impl fmt::Display for Einsum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |letters: &[char]| letters.iter().collect::<String>();
        write!(
            f,
            "{},{}->{}",
            text(&self.left),
            text(&self.right),
            text(&self.output)
        )
    }
}

impl FromStr for Einsum {
    type Err = String;

    fn from_str(text: &str) -> Result<Einsum, String> {
        let fault = || format!("`{text}` is not a contraction such as `ab,bc->ac`");
        let (operands, output) = text.split_once("->").ok_or_else(fault)?;
        let (left, right) = operands.split_once(',').ok_or_else(fault)?;
        if !(left.chars().chain(right.chars()).chain(output.chars())).all(|c| c.is_alphabetic()) {
            return Err(fault());
        }
        let letters = |part: &str| part.chars().collect::<Vec<_>>();
        Einsum::new(&letters(left), &letters(right), &letters(output))
    }
}

impl TryFrom<String> for Einsum {
    type Error = String;

    fn try_from(text: String) -> Result<Einsum, String> {
        text.parse()
    }
}

impl From<Einsum> for String {
    fn from(spec: Einsum) -> String {
        spec.to_string()
    }
}
