use std::collections::BTreeMap;

use eyas_ir::Mode;

/// What elaboration is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The one model that becomes an entry point; all of the file where `None`.
    pub model: Option<String>,
    /// What the entry points are for.
    pub mode: Mode,
    /// Dims that are given a value: `B = 32`.
    pub bind: BTreeMap<String, i64>,
    /// The bytes that one tensor may take.
    pub memory_limit: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            model: None,
            mode: Mode::Inference,
            bind: BTreeMap::new(),
            memory_limit: 1 << 40,
        }
    }
}

/// What a loader gives for `use`: the name to show, which also tells files apart, and the text.
pub type Loaded = Result<(String, String), String>;

/// Finds the file that a `use` names: given are the path that it has and the name of the file that
/// it stands in, as the source map has it. An error is a sentence that says why there is none.
pub type Loader<'a> = dyn FnMut(&str, &str) -> Loaded + 'a;
