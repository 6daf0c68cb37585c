use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::{Graph, GraphId, Module, NodeId, Op, label};

impl Module {
    /// The graphs as Graphviz reads them, a cluster each; a dashed edge leads from a node to a body
    /// that it owns. The same module gives the same text.
    pub fn to_dot(&self) -> String {
        let mut writer = Writer {
            text: String::new(),
        };
        writer.line(format_args!("digraph module {{"));
        writer.line(format_args!("  compound=true;"));
        writer.line(format_args!(
            "  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\"];"
        ));
        writer.line(format_args!(
            "  edge [fontname=\"Helvetica\", fontsize=10];"
        ));
        for (id, graph) in self.graphs.iter().enumerate() {
            let entries = self.entries.iter();
            let entries = entries.filter(|entry| entry.graph == GraphId(id));
            let names: Vec<&str> = entries.map(|entry| &*entry.name).collect();
            writer.graph(id, graph, &names);
        }
        writer.line(format_args!("}}"));
        writer.text
    }
}

struct Writer {
    text: String,
}

impl Writer {
    /// Writing to a string does not fail.
    fn line(&mut self, arguments: fmt::Arguments<'_>) {
        let _ = self.text.write_fmt(arguments);
        self.text.push('\n');
    }

    fn graph(&mut self, id: usize, graph: &Graph, entries: &[&str]) {
        let mut title = format!("#{id} {}", graph.name());
        if !entries.is_empty() {
            title.push_str(&format!(" (entry {})", entries.join(", ")));
        }
        self.line(format_args!("  subgraph cluster_{id} {{"));
        self.line(format_args!("    label={};", quoted(&[title])));
        let order = label::printed_order(graph);
        let places = label::places(&order);
        for node in &order {
            let lines = quoted(&label::lines(graph, *node));
            let color = match graph.node(*node).op {
                Op::Input { .. } => ", fillcolor=lightblue",
                Op::Parameter { .. } | Op::State { .. } => ", fillcolor=lightyellow",
                Op::Constant { .. } => ", fillcolor=gray92",
                _ => "",
            };
            self.line(format_args!(
                "    g{id}n{} [label={lines}{color}];",
                places[node]
            ));
        }
        for (place, (name, value)) in graph.outputs().iter().enumerate() {
            let name = quoted(&[name]);
            self.line(format_args!(
                "    g{id}o{place} [label={name}, shape=ellipse, fillcolor=lightgreen];"
            ));
            if let Some(source) = places.get(&value.node) {
                let tail = tail(graph, value.node, value.result);
                self.line(format_args!("    g{id}n{source} -> g{id}o{place}{tail};"));
            }
        }
        for node in &order {
            self.operands(id, graph, &places, *node);
        }
        // An empty cluster is not drawn, so a body has something that an edge can lead to.
        self.line(format_args!("    g{id} [shape=point, style=invis];"));
        self.line(format_args!("  }}"));
        for node in &order {
            for body in graph.node(*node).op.bodies() {
                self.line(format_args!(
                    "  g{id}n{} -> g{body} [style=dashed, lhead=cluster_{body}];",
                    places[node],
                    body = body.0
                ));
            }
        }
    }

    fn operands(
        &mut self,
        id: usize,
        graph: &Graph,
        places: &BTreeMap<NodeId, usize>,
        node: NodeId,
    ) {
        let operands = graph.operands(node);
        for (operand, value) in operands.iter().enumerate() {
            let mut attributes = Vec::new();
            if graph.contains(value.node) && graph.node(value.node).types.len() > 1 {
                attributes.push(format!("taillabel=\"{}\"", value.result));
            }
            if operands.len() > 1 {
                attributes.push(format!("headlabel=\"{operand}\""));
            }
            let attributes = match attributes.is_empty() {
                true => String::new(),
                false => format!(" [{}]", attributes.join(", ")),
            };
            if let (Some(source), Some(target)) = (places.get(&value.node), places.get(&node)) {
                self.line(format_args!(
                    "    g{id}n{source} -> g{id}n{target}{attributes};"
                ));
            }
        }
    }
}

/// Which result an edge leaves from, where there are several.
fn tail(graph: &Graph, node: NodeId, result: u32) -> String {
    match graph.node(node).types.len() > 1 {
        true => format!(" [taillabel=\"{result}\"]"),
        false => String::new(),
    }
}

/// Lines as a quoted label.
fn quoted(lines: &[impl AsRef<str>]) -> String {
    let mut text = "\"".to_owned();
    for (place, line) in lines.iter().enumerate() {
        text.push_str(if place == 0 { "" } else { "\\n" });
        for character in line.as_ref().chars() {
            match character {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                _ => text.push(character),
            }
        }
    }
    text.push('"');
    text
}
