use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use eyas_diagnostic::Span;

use super::TextOptions;
use super::attribute::{self, print_string, print_value};
use crate::label::printed_order;
use crate::{
    Derived, Graph, GraphId, Initialiser, Mode, Module, NodeId, Origin, ParameterDecl,
    ParameterKind, Value,
};

/// The whole module.
pub(super) fn module(module: &Module, options: TextOptions) -> String {
    let mut printer = Printer {
        text: "module\n".to_string(),
        options,
    };
    for symbol in &module.symbols {
        printer.text.push_str("symbol ");
        print_string(&mut printer.text, &symbol.name);
        printer.end_line(symbol.span.as_slice(), &BTreeSet::new());
    }
    for fact in module.facts.iter() {
        printer.put(format_args!("fact {fact}"));
        if let Some(message) = &fact.message {
            printer.put(format_args!(" {}", serde_json::Value::from(&**message)));
        }
        printer.text.push('\n');
    }
    for (path, declaration) in &module.parameters {
        printer.parameter(path, declaration);
    }
    for (id, graph) in module.graphs.iter().enumerate() {
        printer.graph(GraphId(id), graph);
    }
    for derived in &module.derived {
        printer.derived(derived);
    }
    for entry in &module.entries {
        printer.text.push_str("entry ");
        print_string(&mut printer.text, &entry.name);
        let mode = match entry.mode {
            Mode::Inference => "inference",
            Mode::Training => "training",
        };
        printer.put(format_args!(" = #{} {mode}", entry.graph.0));
        for (place, state) in entry.states.iter().enumerate() {
            printer
                .text
                .push_str(if place == 0 { " state " } else { ", " });
            print_string(&mut printer.text, &state.path);
            printer.put(format_args!("={}", state.output));
        }
        printer.text.push('\n');
    }
    printer.text
}

struct Printer {
    text: String,
    options: TextOptions,
}

impl Printer {
    /// Writing to a string does not fail.
    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        let _ = self.text.write_fmt(arguments);
    }

    fn end_line<'a>(
        &mut self,
        spans: impl IntoIterator<Item = &'a Span>,
        labels: &BTreeSet<String>,
    ) {
        let mut spans = spans.into_iter().peekable();
        if self.options.origins && (spans.peek().is_some() || !labels.is_empty()) {
            self.text.push_str(" @");
            for span in spans {
                self.put(format_args!(" {}:{}-{}", span.file.0, span.start, span.end));
            }
            for label in labels {
                self.text.push(' ');
                print_string(&mut self.text, label);
            }
        }
        self.text.push('\n');
    }

    fn parameter(&mut self, path: &str, declaration: &ParameterDecl) {
        self.text.push_str(match declaration.kind {
            ParameterKind::Parameter => "parameter ",
            ParameterKind::State => "state ",
        });
        print_string(&mut self.text, path);
        self.put(format_args!(" : {}", declaration.ty));
        match &declaration.initialiser {
            None => {}
            Some(Initialiser::Fill(value)) => self.put(format_args!(" = fill({value:?})")),
            Some(Initialiser::Uniform { low, high }) => {
                self.put(format_args!(" = uniform({low:?}, {high:?})"));
            }
            Some(Initialiser::Normal { mean, deviation }) => {
                self.put(format_args!(" = normal({mean:?}, {deviation:?})"));
            }
        }
        self.end_line(declaration.span.as_slice(), &BTreeSet::new());
    }

    fn derived(&mut self, derived: &Derived) {
        self.text.push_str("derived ");
        print_string(&mut self.text, &derived.path);
        self.put(format_args!(" : {} = #{}", derived.ty, derived.graph.0));
        if !derived.counters.is_empty() {
            self.text.push_str(" counters=");
            let counters = serde_json::to_value(&derived.counters).unwrap_or_default();
            print_value(&mut self.text, &counters);
        }
        self.text.push('\n');
    }

    fn graph(&mut self, id: GraphId, graph: &Graph) {
        self.put(format_args!("graph #{} ", id.0));
        print_string(&mut self.text, graph.name());
        self.text.push_str(" {\n");
        let order = printed_order(graph);
        let mut names = BTreeMap::new();
        let mut next = 0;
        for &node in &order {
            names.insert(node, next);
            next += graph.node(node).types.len() as u64;
        }
        for node in order {
            self.node(graph, &names, node);
        }
        if !graph.outputs().is_empty() {
            self.text.push_str("  return ");
        }
        for (place, (name, value)) in graph.outputs().iter().enumerate() {
            self.text.push_str(if place == 0 { "" } else { ", " });
            print_string(&mut self.text, name);
            self.text.push_str(" = ");
            self.value(&names, *value);
        }
        self.text.push_str(if graph.outputs().is_empty() {
            "}\n"
        } else {
            "\n}\n"
        });
    }

    fn node(&mut self, graph: &Graph, names: &BTreeMap<NodeId, u64>, id: NodeId) {
        let node = graph.node(id);
        self.text.push_str("  ");
        for result in 0..node.types.len() as u32 {
            self.text.push_str(if result == 0 { "" } else { ", " });
            self.value(names, Value { node: id, result });
        }
        self.text
            .push_str(if node.types.is_empty() { "" } else { " = " });
        let parts = attribute::parts(&node.op);
        self.text.push_str(&parts.0);
        for (place, operand) in graph.operands(id).into_iter().enumerate() {
            self.text.push_str(if place == 0 { " " } else { ", " });
            self.value(names, operand);
        }
        attribute::print(&mut self.text, &node.op, &parts);
        for (result, ty) in node.types.iter().enumerate() {
            self.put(format_args!(
                "{}{ty}",
                if result == 0 { " : " } else { ", " }
            ));
        }
        let Origin { spans, labels } = &node.origin;
        self.end_line(spans, labels);
    }

    fn value(&mut self, names: &BTreeMap<NodeId, u64>, value: Value) {
        match names.get(&value.node) {
            Some(first) => self.put(format_args!("%{}", first + u64::from(value.result))),
            None => self.text.push_str("%?"),
        }
    }
}
