use crate::layout::Layout;
use eyas_diagnostic::FileId;

/// A comment as it is printed.
pub(super) struct Comment<'a> {
    pub(super) text: &'a str,
    /// Whether the source leaves a line empty above it.
    pub(super) blank_line_above: bool,
}

/// The comments of a file, each handed out once and in the order of the text.
pub(super) struct Comments<'a> {
    source: &'a str,
    starts: Vec<(usize, &'a str)>,
    next: usize,
}

impl<'a> Comments<'a> {
    pub(super) fn new(source: &'a str, file: FileId) -> Self {
        let comments = Layout::new(source, file).comments;
        let starts = comments
            .into_iter()
            .map(|range| (range.start, source.get(range).unwrap_or("#")))
            .collect();
        Self {
            source,
            starts,
            next: 0,
        }
    }

    /// The comments not handed out yet that begin before a place.
    pub(super) fn before(&mut self, place: u32) -> Vec<Comment<'a>> {
        let mut found = Vec::new();
        while let Some(&(start, text)) = self
            .starts
            .get(self.next)
            .filter(|(start, _)| *start < place as usize)
        {
            found.push(Comment {
                text,
                blank_line_above: blank_line_above(self.source, start),
            });
            self.next += 1;
        }
        found
    }

    /// The comment on the same line behind a place, with at most a comma between.
    pub(super) fn behind(&mut self, place: u32) -> Option<Comment<'a>> {
        let &(start, text) = self.starts.get(self.next)?;
        let gap = self.source.get(place as usize..start)?;
        if gap.contains('\n') || !matches!(gap.trim(), "" | ",") {
            return None;
        }
        self.next += 1;
        Some(Comment {
            text,
            blank_line_above: false,
        })
    }

    /// Whether the line above a place is empty.
    pub(super) fn blank_line_before(&self, place: u32) -> bool {
        blank_line_above(self.source, place as usize)
    }

    /// The closing bracket behind a place, comments and commas passed over.
    pub(super) fn closing_behind(&self, place: u32) -> u32 {
        let mut at = place as usize;
        let ahead = self.starts.partition_point(|(start, _)| *start < at);
        let mut comments = self.starts[ahead..].iter();
        while let Some(next) = self.source.get(at..).and_then(|rest| rest.chars().next()) {
            match next {
                '#' => at += comments.next().map_or(1, |(_, text)| text.len()),
                ')' | ']' | '}' => break,
                other => at += other.len_utf8(),
            }
        }
        u32::try_from(at).unwrap_or(place)
    }
}

fn blank_line_above(source: &str, place: usize) -> bool {
    let before = source.get(..place).unwrap_or("");
    let blank = &before[before.trim_end().len()..];
    blank.matches('\n').count() >= 2
}
