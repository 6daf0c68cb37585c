//! A line of PTX, as far as mutations look into it.

/// An instruction's text in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `@%p1` or `@!%p1`, or nothing.
    pub guard: String,
    pub opcode: String,
    /// Registers, numbers, brackets, commas.
    pub operands: Vec<String>,
}

impl Line {
    /// The instruction on a line; `None` of labels, declarations, comments.
    pub fn parse(text: &str) -> Option<Line> {
        let text = text.split("//").next()?.trim().strip_suffix(';')?;
        let (guard, rest) = match text.starts_with('@') {
            true => text.split_once(char::is_whitespace)?,
            false => ("", text),
        };
        let rest = rest.trim();
        let (opcode, operands) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if opcode.starts_with('.') {
            return None;
        }
        Some(Line {
            guard: guard.to_owned(),
            opcode: opcode.to_owned(),
            operands: tokens(operands),
        })
    }

    pub fn text(&self) -> String {
        let mut text = format!("{} {} ", self.guard, self.opcode);
        for operand in &self.operands {
            text.push_str(operand);
            if operand == "," {
                text.push(' ');
            }
        }
        format!("{};", text.trim())
    }

    /// The operands that satisfy something.
    pub fn places(&self, is: impl Fn(&str) -> bool) -> Vec<usize> {
        (0..self.operands.len())
            .filter(|at| is(&self.operands[*at]))
            .collect()
    }

    /// The family of the opcode: `st` of `st.global.f32`.
    pub fn mnemonic(&self) -> &str {
        self.opcode.split('.').next().unwrap_or("")
    }

    /// Whether it is a barrier of a block.
    pub fn is_barrier(&self) -> bool {
        matches!(self.mnemonic(), "bar" | "barrier")
    }

    /// Whether it reaches memory that others reach too.
    pub fn is_access(&self) -> bool {
        let shared = ["global", "shared"];
        matches!(self.mnemonic(), "ld" | "st" | "atom" | "red")
            && self.opcode.split('.').any(|part| shared.contains(&part))
    }
}

pub fn is_register(token: &str) -> bool {
    token.starts_with('%') && token.ends_with(|c: char| c.is_ascii_digit())
}

pub fn is_number(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_digit() || c == '-')
}

fn tokens(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for c in text.chars() {
        let word = c.is_ascii_alphanumeric() || "%_$.-!".contains(c);
        match found.last_mut() {
            Some(last) if word && inside => last.push(c),
            _ if c.is_whitespace() => {}
            _ => found.push(c.to_string()),
        }
        inside = word;
    }
    found
}
