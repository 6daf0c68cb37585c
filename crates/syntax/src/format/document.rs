//! Text with places where it may break, after Wadler, "A prettier printer" (2003), and Oppen (1980).

/// The columns that a line may fill.
const WIDTH: usize = 100;

#[derive(Debug, Clone)]
pub(super) enum Document {
    Text(String),
    /// A space, or a new line where the group around it is broken.
    Line,
    /// Nothing, or a new line where the group around it is broken.
    SoftLine,
    HardLine,
    /// A text that stands only in a broken group.
    IfBroken(&'static str),
    /// A comment to the end of the line, which does not count towards the width.
    TrailingComment(String),
    Concat(Vec<Document>),
    Nest(usize, Box<Document>),
    Group {
        inner: Box<Document>,
        broken: bool,
    },
}

pub(super) fn text(text: impl Into<String>) -> Document {
    Document::Text(text.into())
}

pub(super) fn concat(parts: Vec<Document>) -> Document {
    Document::Concat(parts)
}

pub(super) fn nest(columns: usize, inner: Document) -> Document {
    Document::Nest(columns, Box::new(inner))
}

/// Kept on one line where it fits and nothing in it ends a line.
pub(super) fn group(inner: Document) -> Document {
    let broken = inner.ends_lines();
    Document::Group {
        inner: Box::new(inner),
        broken,
    }
}

pub(super) fn broken_group(inner: Document) -> Document {
    Document::Group {
        inner: Box::new(inner),
        broken: true,
    }
}

/// The parts with `, ` between, broken behind commas.
pub(super) fn joined(parts: Vec<Document>) -> Document {
    let mut all = Vec::new();
    for (place, part) in parts.into_iter().enumerate() {
        if place > 0 {
            all.push(text(","));
            all.push(Document::Line);
        }
        all.push(part);
    }
    concat(all)
}

impl Document {
    fn ends_lines(&self) -> bool {
        match self {
            Self::HardLine | Self::TrailingComment(_) => true,
            Self::Concat(parts) => parts.iter().any(Self::ends_lines),
            Self::Nest(_, inner) => inner.ends_lines(),
            Self::Group { broken, .. } => *broken,
            Self::Text(_) | Self::Line | Self::SoftLine | Self::IfBroken(_) => false,
        }
    }

    pub(super) fn render(&self) -> String {
        let mut page = Page::default();
        let mut rest = vec![Pending {
            indent: 0,
            broken: true,
            document: self,
        }];
        while let Some(Pending {
            indent,
            broken,
            document,
        }) = rest.pop()
        {
            match document {
                Self::Text(words) => page.write(words),
                Self::IfBroken(words) if broken => page.write(words),
                Self::TrailingComment(words) => page.write(&format!("  {words}")),
                Self::Line | Self::SoftLine if broken => page.end_line(indent),
                Self::HardLine => page.end_line(indent),
                Self::Line => page.write(" "),
                Self::SoftLine | Self::IfBroken(_) => {}
                Self::Concat(parts) => {
                    rest.extend(parts.iter().rev().map(|document| Pending {
                        indent,
                        broken,
                        document,
                    }));
                }
                Self::Nest(columns, inner) => {
                    rest.push(Pending {
                        indent: indent + columns,
                        broken,
                        document: inner,
                    });
                }
                Self::Group { inner, broken } => {
                    let flat = Pending {
                        indent,
                        broken: false,
                        document: inner,
                    };
                    let broken = *broken || !fits(page.room(), &flat, &rest);
                    rest.push(Pending { broken, ..flat });
                }
            }
        }
        page.finish()
    }
}

#[derive(Clone, Copy)]
struct Pending<'a> {
    indent: usize,
    broken: bool,
    document: &'a Document,
}

/// Whether what is up to the next new line fits.
fn fits(room: Option<usize>, first: &Pending<'_>, rest: &[Pending<'_>]) -> bool {
    let Some(mut room) = room else { return false };
    let mut behind = rest.iter().rev();
    let mut ahead = vec![*first];
    loop {
        let Some(next) = ahead.pop().or_else(|| behind.next().copied()) else {
            return true;
        };
        let width = match next.document {
            Document::Text(words) => words.chars().count(),
            Document::IfBroken(words) if next.broken => words.len(),
            Document::Line | Document::SoftLine if next.broken => return true,
            Document::HardLine | Document::TrailingComment(_) => return true,
            Document::Line => 1,
            Document::SoftLine | Document::IfBroken(_) => 0,
            Document::Concat(parts) => {
                ahead.extend(
                    parts
                        .iter()
                        .rev()
                        .map(|document| Pending { document, ..next }),
                );
                0
            }
            Document::Nest(_, inner) => {
                ahead.push(Pending {
                    document: inner,
                    ..next
                });
                0
            }
            Document::Group { inner, broken } => {
                ahead.push(Pending {
                    document: inner,
                    broken: *broken,
                    ..next
                });
                0
            }
        };
        match room.checked_sub(width) {
            Some(left) => room = left,
            None => return false,
        }
    }
}

#[derive(Default)]
struct Page {
    text: String,
    column: usize,
    /// Spaces that the next text is to be indented by, on a line that has none yet.
    indent: usize,
}

impl Page {
    fn write(&mut self, words: &str) {
        if words.is_empty() {
            return;
        }
        self.text.extend(std::iter::repeat_n(' ', self.indent));
        self.text.push_str(words);
        self.column += self.indent + words.chars().count();
        self.indent = 0;
    }

    fn end_line(&mut self, indent: usize) {
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
        self.column = 0;
        self.indent = indent;
    }

    fn room(&self) -> Option<usize> {
        WIDTH.checked_sub(self.column + self.indent)
    }

    fn finish(mut self) -> String {
        let kept = self.text.trim_end().len();
        self.text.truncate(kept);
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text
    }
}
