use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// What passes did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// The passes in the order they ran.
    pub passes: Vec<PassReport>,
}

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PassReport {
    /// The pass.
    pub name: String,
    /// How long it took. Not printed, so that dumps are the same bytes twice.
    #[serde(skip)]
    pub time: Duration,
    /// The graphs that it searched for rewrites.
    pub graphs: Vec<GraphReport>,
    /// Other things it did and how often.
    pub counts: BTreeMap<String, usize>,
}

/// What a search for rewrites did to a graph.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GraphReport {
    /// The graph's place in the module.
    pub graph: usize,
    /// Its name.
    pub name: String,
    /// How often each rule made two values one.
    pub fired: BTreeMap<String, usize>,
    /// Rounds of search.
    pub iterations: usize,
    /// Nodes of the graph before.
    pub nodes_before: usize,
    /// Nodes of the graph after.
    pub nodes_after: usize,
    /// Nodes of the e-graph in the end.
    pub equalities: usize,
    /// What ended the search.
    pub stop: Stop,
    /// The modelled seconds of the graph before.
    pub cost_before: f64,
    /// The modelled seconds of the graph after.
    pub cost_after: f64,
    /// For each output the rewrites that lead to it, where they were asked for.
    pub explanations: Vec<String>,
}

/// What ends a search for rewrites.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// No rule found anything new.
    #[default]
    Saturated,
    /// The e-graph reached the limit on its nodes.
    Nodes,
    /// The rounds reached their limit.
    Iterations,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stop::Saturated => "saturated",
            Stop::Nodes => "node limit",
            Stop::Iterations => "iteration limit",
        })
    }
}

impl Report {
    /// How often each rule fired, in all passes and graphs.
    pub fn fired(&self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        let graphs = self.passes.iter().flat_map(|pass| &pass.graphs);
        for (rule, count) in graphs.flat_map(|graph| &graph.fired) {
            *all.entry(rule.clone()).or_insert(0) += count;
        }
        all
    }
}

/// Everything but times.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for pass in &self.passes {
            writeln!(f, "pass {}", pass.name)?;
            for (what, count) in &pass.counts {
                writeln!(f, "  {what}: {count}")?;
            }
            for graph in &pass.graphs {
                write!(f, "{graph}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for GraphReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  graph #{} {}: {} nodes -> {}, {:.3e} s -> {:.3e} s; {} rounds, {} e-nodes, {}",
            self.graph,
            self.name,
            self.nodes_before,
            self.nodes_after,
            self.cost_before,
            self.cost_after,
            self.iterations,
            self.equalities,
            self.stop,
        )?;
        for (rule, count) in &self.fired {
            writeln!(f, "    {rule}: {count}")?;
        }
        for explanation in &self.explanations {
            for line in explanation.lines() {
                writeln!(f, "    {line}")?;
            }
        }
        Ok(())
    }
}
