//! A kernel with a fault.

use crate::draw::Draw;
use crate::line::Line;
use crate::operator::Operator;
use crate::subject::Subject;

/// A kernel with a fault.
#[derive(Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Of which kernel.
    pub subject: usize,
    pub text: String,
    /// What was changed, in words.
    pub what: String,
}

impl Mutant {
    /// Changes the instruction on a line; `None` where the change changes nothing.
    pub fn draw(number: usize, subject: &Subject, at: usize, draw: &mut Draw) -> Option<Mutant> {
        let mut lines: Vec<String> = subject.text().lines().map(str::to_owned).collect();
        let line = Line::parse(&lines[at])?;
        let operator = draw.pick(&Operator::of(&line));
        let old = line.text();
        // Which of the instructions that read the same.
        let same = |other: &&String| Line::parse(other).is_some_and(|it| it.text() == old);
        let nth = lines[..at].iter().filter(same).count() + 1;
        let new = match operator {
            Operator::Drop => {
                lines[at].clear();
                "dropped".to_owned()
            }
            Operator::Move => {
                let up = draw.below(2) == 0;
                let taken = lines.remove(at);
                let access = |text: &String| Line::parse(text).is_some_and(|it| it.is_access());
                let to = match up {
                    true => lines[..at].iter().rposition(access)?,
                    false => at + lines[at..].iter().position(access)? + 1,
                };
                lines.insert(to, taken);
                let way = if up {
                    "before the access before"
                } else {
                    "behind the access behind"
                };
                format!("moved {way}")
            }
            _ => {
                let changed = operator.change(&line, &subject.families, draw);
                lines[at] = changed.text();
                format!("-> {}", changed.text())
            }
        };
        let text = lines.join("\n");
        let what = format!("{}: {old} ({nth}) {new}", subject.name());
        let changes = lines
            .get(at)
            .and_then(|text| Line::parse(text))
            .is_none_or(|it| it != line);
        (changes && text != subject.text()).then_some(Mutant {
            subject: number,
            text,
            what,
        })
    }
}
