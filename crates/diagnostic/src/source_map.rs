use crate::{FileId, Span};

/// A position for people: both numbers start at one, and columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

#[derive(Debug, Clone)]
struct SourceFile {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

/// Every source text of a run.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// A map without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a text under the name shown in diagnostics.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile {
            name: name.into(),
            text,
            line_starts,
        });
        id
    }

    /// The name a text was added under; empty for an unknown file.
    pub fn name(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| &file.name)
    }

    /// The text of a file; empty for an unknown file.
    pub fn text(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| &file.text)
    }

    /// The text under a span; empty where the span does not fall on characters of the file.
    pub fn snippet(&self, span: Span) -> &str {
        self.text(span.file).get(span.range()).unwrap_or("")
    }

    /// The line and column of a byte offset; an offset past the end counts as the end.
    pub fn line_column(&self, file: FileId, offset: u32) -> LineColumn {
        let Some(file) = self.file(file) else {
            return LineColumn { line: 1, column: 1 };
        };
        let offset = file.text.floor_char_boundary(offset as usize);
        let line = file
            .line_starts
            .partition_point(|&start| start <= offset)
            .max(1);
        let column = file.text[file.line_starts[line - 1]..offset]
            .chars()
            .count()
            + 1;
        LineColumn {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// The files in the order they were added.
    pub fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        (0..self.files.len()).map(|index| FileId(u32::try_from(index).unwrap_or(u32::MAX)))
    }

    fn file(&self, file: FileId) -> Option<&SourceFile> {
        self.files.get(file.0 as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_start_at_one() {
        let mut sources = SourceMap::new();
        let file = sources.add("a", "é = 1\nx\n");
        assert_eq!(
            sources.line_column(file, 0),
            LineColumn { line: 1, column: 1 }
        );
        assert_eq!(
            sources.line_column(file, 3),
            LineColumn { line: 1, column: 3 }
        );
        assert_eq!(
            sources.line_column(file, 7),
            LineColumn { line: 2, column: 1 }
        );
        assert_eq!(
            sources.line_column(file, 900),
            LineColumn { line: 3, column: 1 }
        );
    }
}
