use std::fmt::Write;

/// A part of a label path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub name: String,
    pub index: Option<SegmentIndex>,
}

/// Which of several labels of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SegmentIndex {
    Number(i64),
    /// The counter of a loop that is kept rolled.
    Counter(String),
}

/// `block.3.attn` in files; `block.{i}.attn` within a loop.
pub(crate) fn file_path(segments: &[Segment]) -> String {
    let mut path = String::new();
    for segment in segments {
        push(&mut path, &segment.name);
        match &segment.index {
            Some(SegmentIndex::Number(number)) => {
                let _ = write!(path, ".{number}");
            }
            Some(SegmentIndex::Counter(name)) => {
                let _ = write!(path, ".{{{name}}}");
            }
            None => {}
        }
    }
    path
}

/// `block[3].attn` in source; `block[i].attn` within a loop.
pub(crate) fn source_path(segments: &[Segment]) -> String {
    let mut path = String::new();
    for segment in segments {
        push(&mut path, &segment.name);
        match &segment.index {
            Some(SegmentIndex::Number(number)) => {
                let _ = write!(path, "[{number}]");
            }
            Some(SegmentIndex::Counter(name)) => {
                let _ = write!(path, "[{name}]");
            }
            None => {}
        }
    }
    path
}

/// A path one step longer.
pub(crate) fn child(path: &str, name: &str) -> String {
    let mut longer = path.to_owned();
    push(&mut longer, name);
    longer
}

fn push(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}
