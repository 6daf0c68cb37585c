use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{Composite, Op};

/// Gives kernels their names: `label.op`, with a number from the second of its kind on.
#[derive(Debug, Default)]
pub(crate) struct Naming {
    counts: BTreeMap<String, usize>,
    taken: BTreeSet<String>,
}

impl Naming {
    /// A name that no kernel has yet.
    pub(crate) fn name(&mut self, label: &str, op: &str) -> String {
        let base = match label.is_empty() {
            true => op.to_owned(),
            false => format!("{label}.{op}"),
        };
        let count = self.counts.entry(base.clone()).or_insert(0);
        loop {
            *count += 1;
            let name = match *count {
                1 => base.clone(),
                number => format!("{base}.{number}"),
            };
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// The op's name in the names of kernels.
pub(crate) fn op_name(op: &Op) -> String {
    match op {
        Op::Unary { function } => snake(&format!("{function:?}")),
        Op::Binary { function } => snake(&format!("{function:?}")),
        Op::Compare { comparison } => snake(&format!("{comparison:?}")),
        Op::Reduce { reduction, .. } => snake(&format!("{reduction:?}")),
        Op::ArgReduce { extreme, .. } => format!("arg_{}", snake(&format!("{extreme:?}"))),
        Op::Composite { composite } => composite_name(composite).to_owned(),
        Op::Input { .. } | Op::Parameter { .. } | Op::State { .. } => "copy".to_owned(),
        Op::Loop { .. } | Op::If { .. } => "copy".to_owned(),
        Op::Constant { .. } | Op::Extent { .. } => "constant".to_owned(),
        Op::Select => "select".to_owned(),
        Op::Cast { .. } => "cast".to_owned(),
        Op::Contraction { .. } => "matmul".to_owned(),
        Op::Reshape { .. } => "reshape".to_owned(),
        Op::Transpose { .. } => "transpose".to_owned(),
        Op::Broadcast { .. } => "broadcast".to_owned(),
        Op::Slice { .. } => "slice".to_owned(),
        Op::Pad { .. } => "pad".to_owned(),
        Op::Concat { .. } => "concat".to_owned(),
        Op::Gather { .. } => "gather".to_owned(),
        Op::Scatter { .. } => "scatter".to_owned(),
        Op::Iota { .. } => "iota".to_owned(),
        Op::Random { .. } => "random".to_owned(),
    }
}

/// The composite's name.
pub(crate) fn composite_name(composite: &Composite) -> &'static str {
    match composite {
        Composite::Relu => "relu",
        Composite::Sigmoid => "sigmoid",
        Composite::Silu => "silu",
        Composite::Gelu => "gelu",
        Composite::Mean { .. } => "mean",
        Composite::Softmax { .. } => "softmax",
        Composite::LogSoftmax { .. } => "log_softmax",
        Composite::LayerNorm { .. } => "layer_norm",
        Composite::RmsNorm { .. } => "rms_norm",
        Composite::CrossEntropy => "cross_entropy",
        Composite::NegativeLogLikelihood => "negative_log_likelihood",
    }
}

fn snake(camel: &str) -> String {
    let mut text = String::with_capacity(camel.len() + 4);
    for character in camel.chars() {
        if character.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(character.to_lowercase());
    }
    text
}
