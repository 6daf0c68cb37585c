use std::collections::BTreeMap;
use std::fmt::Write;

use egg::{Id, TreeExplanation};
use eyas_ir::Op;

use crate::analysis::Equalities;
use crate::extract::Selection;
use crate::load::Loaded;
use crate::term::{Term, TermOp};

/// Steps that one explanation shows.
const STEPS: usize = 200;

/// For each output, the rewrites from the graph as it was to the graph as it is.
pub(crate) fn outputs(loaded: &mut Loaded, selection: &Selection) -> Vec<String> {
    let outputs = loaded.outputs.clone();
    let mut written = BTreeMap::new();
    let mut texts = Vec::with_capacity(outputs.len());
    for (name, id) in outputs {
        let mut text = format!("output {name}\n");
        if let Some(new) = add(&mut loaded.egraph, selection, &mut written, id) {
            let explanation = loaded.egraph.explain_id_equivalence(id, new);
            let mut teller = Teller {
                egraph: &loaded.egraph,
                told: Vec::new(),
                text: &mut text,
                steps: 0,
            };
            teller.tell(&explanation.explanation_trees);
        }
        texts.push(text);
    }
    texts
}

/// Adds what is selected for a class as a term of its own.
fn add(
    egraph: &mut Equalities,
    selection: &Selection,
    written: &mut BTreeMap<Id, Id>,
    root: Id,
) -> Option<Id> {
    let mut stack = vec![egraph.find(root)];
    while let Some(&id) = stack.last() {
        if written.contains_key(&id) {
            stack.pop();
            continue;
        }
        let term = selection.term(egraph, id)?.clone();
        let missing: Vec<Id> = term
            .operands
            .iter()
            .map(|id| egraph.find(*id))
            .filter(|id| !written.contains_key(id))
            .collect();
        if !missing.is_empty() {
            stack.extend(missing);
            continue;
        }
        stack.pop();
        let operands = term.operands.iter().map(|id| written[&egraph.find(*id)]);
        let term = Term {
            op: term.op,
            operands: operands.collect(),
        };
        let new = egraph.add_uncanonical(term);
        written.insert(id, new);
    }
    written.get(&egraph.find(root)).copied()
}

struct Teller<'a> {
    egraph: &'a Equalities,
    /// Proofs that were told; they are shared.
    told: Vec<*const egg::TreeTerm<Term>>,
    text: &'a mut String,
    steps: usize,
}

impl Teller<'_> {
    fn tell(&mut self, trees: &TreeExplanation<Term>) {
        for tree in trees {
            let place: *const egg::TreeTerm<Term> = &**tree;
            if self.told.contains(&place) || self.steps >= STEPS {
                continue;
            }
            self.told.push(place);
            for (rule, direction) in [(&tree.forward_rule, "by"), (&tree.backward_rule, "back by")]
            {
                if let Some(rule) = rule {
                    self.steps += 1;
                    let what = self.name(&tree.node);
                    let _ = writeln!(self.text, "  {direction} {rule}: {what}");
                }
            }
            for child in &tree.child_proofs {
                self.tell(child);
            }
        }
    }

    /// The op, and where it came from.
    fn name(&self, term: &Term) -> String {
        let mut text = match &*self.egraph.analysis.ops.entry(term.op).op {
            TermOp::Project(result) => format!("result {result}"),
            TermOp::Op(op, _) => op_name(op),
        };
        let class = self.egraph.lookup(term.clone());
        if let Some(class) = class {
            let origin = &self.egraph[class].data.origin;
            for span in &origin.spans {
                let _ = write!(text, " {}:{}-{}", span.file.0, span.start, span.end);
            }
            for label in &origin.labels {
                let _ = write!(text, " {label}");
            }
        }
        text
    }
}

fn op_name(op: &Op) -> String {
    match op {
        Op::Unary { function } => format!("{function:?}").to_lowercase(),
        Op::Binary { function } => format!("{function:?}").to_lowercase(),
        Op::Composite { composite } => format!("{composite:?}").to_lowercase(),
        Op::Parameter { path } => format!("parameter {path}"),
        Op::Input { name } => format!("input {name}"),
        Op::Contraction { spec, epilogue, .. } => match epilogue {
            Some(_) => format!("contraction {spec} with an epilogue"),
            None => format!("contraction {spec}"),
        },
        other => {
            let text = format!("{other:?}");
            let end = text.find([' ', '{']).unwrap_or(text.len());
            text[..end].to_lowercase()
        }
    }
}
