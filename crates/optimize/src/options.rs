use crate::cost::CostTable;
use crate::rule::Rule;

/// Which arithmetic rewrites may choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Math {
    /// The same real-number expression as the source.
    #[default]
    Strict,
    /// Anything equal over the real numbers.
    Fast,
}

/// Limits on a search for rewrites: counts alone, so that the result is the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rounds of search.
    pub iterations: usize,
    /// Nodes of the e-graph, beyond 16 for each node of the graph.
    pub nodes: usize,
    /// Matches of one rule in one class and round.
    pub matches: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            iterations: 16,
            nodes: 4000,
            matches: 64,
        }
    }
}

/// How passes work.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which arithmetic rewrites may choose.
    pub math: Math,
    /// Limits on the search.
    pub limits: Limits,
    /// What time things take on the target.
    pub costs: CostTable,
    /// Rules beside those built in.
    pub rules: Vec<Rule>,
    /// Whether to record for each output which rewrites led to it.
    pub explain: bool,
    /// Whether the module is verified after each pass.
    pub verify: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            math: Math::default(),
            limits: Limits::default(),
            costs: CostTable::default(),
            rules: Vec::new(),
            explain: false,
            verify: cfg!(debug_assertions),
        }
    }
}
