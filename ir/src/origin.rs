use std::collections::BTreeSet;

use eyas_diagnostic::Span;
use serde::{Deserialize, Serialize};

/// Where a node came from: a set, for rewriting merges nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The expressions in the source.
    pub spans: BTreeSet<Span>,
    /// The label paths it stands under, such as `block[i].attn.qkv`.
    pub labels: BTreeSet<String>,
}

impl Origin {
    /// The origin of one expression under one label path.
    pub fn new(span: Span, label: impl Into<String>) -> Origin {
        let label = label.into();
        Origin {
            spans: BTreeSet::from([span]),
            labels: BTreeSet::from_iter((!label.is_empty()).then_some(label)),
        }
    }

    /// Takes up what another node came from.
    pub fn merge(&mut self, other: &Origin) {
        self.spans.extend(other.spans.iter().copied());
        self.labels.extend(other.labels.iter().cloned());
    }

    /// The label path that names a kernel: the longest, of those the first; empty where none is.
    pub fn label(&self) -> &str {
        let depth = |label: &String| label.split('.').count();
        let best = self.labels.iter().rev().max_by_key(|label| depth(label));
        best.map_or("", String::as_str)
    }
}
