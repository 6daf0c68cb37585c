use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use layout::core::base::Orientation;
use layout::core::color::Color;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::{Point, get_size_for_str};
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;

use crate::{Graph, Module, NodeId, Op, label};

/// Boxes that a graph's drawing may have, among them bends of edges that pass by others.
const BOX_LIMIT: usize = 1500;

/// Boxes beside each other that are still moved to make edges cross less.
const ORDERED_WIDTH: usize = 40;

/// Pixels of the letters.
const FONT: usize = 14;

/// Pixels around each graph.
const MARGIN: f64 = 20.0;

/// Why a module cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SvgError {
    /// A graph that nobody could look at.
    #[error(
        "graph #{graph} `{name}` would have {boxes} boxes, but a drawing has {BOX_LIMIT} at most; \
         a dot file has no limit"
    )]
    TooLarge {
        /// The graph's place.
        graph: usize,
        /// Its name.
        name: String,
        /// Its nodes and the bends of its edges.
        boxes: usize,
    },
}

impl Module {
    /// A drawing of the graphs, one below the other. The same module gives the same text.
    ///
    /// # Errors
    /// [`SvgError::TooLarge`].
    pub fn to_svg(&self) -> Result<String, SvgError> {
        let mut canvas = Canvas::default();
        for (id, graph) in self.graphs.iter().enumerate() {
            let mut drawing = Drawing::of(graph);
            let boxes = drawing.box_count();
            if boxes > BOX_LIMIT {
                let name = graph.name().to_owned();
                return Err(SvgError::TooLarge {
                    graph: id,
                    name,
                    boxes,
                });
            }
            canvas.begin(&format!("#{id} {}", graph.name()));
            if !drawing.nodes.is_empty() {
                drawing.draw(&mut canvas);
            }
        }
        Ok(canvas.finish())
    }
}

/// What stands in a graph's drawing: its nodes and outputs, and who uses whom.
struct Drawing {
    /// Label and colour; a node's operands stand before it.
    nodes: Vec<(String, u32)>,
    /// From and to, by target; no pair twice.
    edges: Vec<(usize, usize)>,
}

impl Drawing {
    fn of(graph: &Graph) -> Drawing {
        let order = label::printed_order(graph);
        let places: BTreeMap<NodeId, usize> = label::places(&order);
        let mut drawing = Drawing {
            nodes: Vec::new(),
            edges: Vec::new(),
        };
        for (place, node) in order.iter().enumerate() {
            let color = match graph.node(*node).op {
                Op::Input { .. } => 0xd6_eaf8,
                Op::Parameter { .. } | Op::State { .. } => 0xfc_f3cf,
                Op::Constant { .. } => 0xea_eded,
                _ => 0xff_ffff,
            };
            let label = label::lines(graph, *node).join("\n");
            drawing.nodes.push((label, color));
            let sources: BTreeSet<usize> = graph
                .operands(*node)
                .iter()
                .filter_map(|value| places.get(&value.node).copied())
                // What lies on a cycle has operands that come later; those are not drawn.
                .filter(|source| *source < place)
                .collect();
            let edges = sources.into_iter().map(|source| (source, place));
            drawing.edges.extend(edges);
        }
        for (name, value) in graph.outputs() {
            if let Some(source) = places.get(&value.node) {
                drawing.edges.push((*source, drawing.nodes.len()));
            }
            drawing.nodes.push((name.clone(), 0xd5_f5e3));
        }
        drawing
    }

    /// The row of each node: below all its operands.
    fn rows(&self) -> Vec<usize> {
        let mut rows = vec![0; self.nodes.len()];
        for (from, to) in &self.edges {
            rows[*to] = rows[*to].max(rows[*from] + 1);
        }
        rows
    }

    /// The nodes and what passes by each row, at most.
    fn box_count(&self) -> usize {
        let rows = self.rows();
        let spans = self.edges.iter().map(|(from, to)| rows[*to] - rows[*from]);
        self.nodes.len() + spans.map(|span| span - 1).sum::<usize>()
    }

    /// The boxes in the widest row, with what passes by.
    fn width(&self) -> usize {
        let rows = self.rows();
        let mut widths = vec![0; self.nodes.len() + 1];
        for row in &rows {
            widths[*row] += 1;
        }
        for (from, to) in &self.edges {
            for width in &mut widths[rows[*from] + 1..rows[*to]] {
                *width += 1;
            }
        }
        widths.into_iter().max().unwrap_or(0)
    }

    fn draw(&mut self, canvas: &mut Canvas) {
        let mut visual = VisualGraph::new(Orientation::TopToBottom);
        // The check enumerates all paths between two nodes. Here edges go from a place to a later one.
        visual.dag.set_validate(false);
        let line = Color::fast("black");
        let handles: Vec<_> = self
            .nodes
            .iter()
            .map(|(label, color)| {
                let fill = Some(Color::new(color << 8 | 0xff));
                let look = StyleAttr::new(line, 1, fill, 6, FONT);
                let size = get_size_for_str(label, FONT);
                let size = Point::new(size.x * 0.6 + 16.0, size.y * 1.2 + 12.0);
                let shape = ShapeKind::new_box(label);
                visual.add_node(Element::create(shape, look, Orientation::TopToBottom, size))
            })
            .collect();
        for (from, to) in &self.edges {
            visual.add_edge(Arrow::simple(""), handles[*from], handles[*to]);
        }
        let as_it_stands = self.width() > ORDERED_WIDTH;
        visual.do_it(false, as_it_stands, false, canvas);
    }
}

/// Collects what is drawn, each graph below those before it.
#[derive(Default)]
struct Canvas {
    content: String,
    /// Where the present graph begins.
    top: f64,
    width: f64,
    height: f64,
}

impl Canvas {
    /// Writing to a string does not fail.
    fn put(&mut self, arguments: fmt::Arguments<'_>) {
        let _ = self.content.write_fmt(arguments);
        self.content.push('\n');
    }

    fn begin(&mut self, title: &str) {
        let y = self.height + 2.0 * MARGIN;
        self.put(format_args!(
            "<text x=\"{MARGIN}\" y=\"{y:.1}\" font-weight=\"bold\">{}</text>",
            escaped(title)
        ));
        self.top = y + MARGIN / 2.0;
        self.height = self.top;
        let title = title.chars().count() as f64 * FONT as f64 * 0.7;
        self.width = self.width.max(title + 2.0 * MARGIN);
    }

    /// Where a point of the present graph stands.
    fn place(&mut self, point: Point) -> (f64, f64) {
        let (x, y) = (point.x + MARGIN, point.y + self.top);
        self.width = self.width.max(x + MARGIN);
        self.height = self.height.max(y);
        (x, y)
    }

    fn finish(self) -> String {
        let (width, height) = (self.width, self.height + MARGIN);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"Helvetica, Arial, sans-serif\" \
             font-size=\"{FONT}\">\n\
             <defs><marker id=\"end\" markerWidth=\"8\" markerHeight=\"6\" refX=\"8\" refY=\"3\" \
             orient=\"auto\"><path d=\"M0,0 L8,3 L0,6 z\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}</svg>\n",
            self.content
        )
    }
}

impl RenderBackend for Canvas {
    fn draw_rect(
        &mut self,
        xy: Point,
        size: Point,
        look: &StyleAttr,
        _properties: Option<String>,
        _clip: Option<ClipHandle>,
    ) {
        let (x, y) = self.place(xy);
        self.place(xy.add(size));
        let fill = look.fill_color.unwrap_or_else(Color::transparent);
        self.put(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{}\" \
             fill=\"{}\" stroke=\"black\"/>",
            size.x,
            size.y,
            look.rounded,
            fill.to_web_color()
        ));
    }

    fn draw_line(
        &mut self,
        start: Point,
        stop: Point,
        _look: &StyleAttr,
        _properties: Option<String>,
    ) {
        let ((x1, y1), (x2, y2)) = (self.place(start), self.place(stop));
        self.put(format_args!(
            "<path d=\"M{x1:.1},{y1:.1} L{x2:.1},{y2:.1}\" stroke=\"black\"/>"
        ));
    }

    fn draw_circle(
        &mut self,
        xy: Point,
        size: Point,
        _look: &StyleAttr,
        _properties: Option<String>,
    ) {
        let (x, y) = self.place(xy);
        self.put(format_args!(
            "<ellipse cx=\"{x:.1}\" cy=\"{y:.1}\" rx=\"{:.1}\" ry=\"{:.1}\" fill=\"none\" \
             stroke=\"black\"/>",
            size.x / 2.0,
            size.y / 2.0
        ));
    }

    fn draw_text(&mut self, xy: Point, text: &str, _look: &StyleAttr) {
        let (x, y) = self.place(xy);
        let step = FONT as f64 * 1.2;
        let count = text.lines().count();
        let first = y - step * (count as f64 - 1.0) / 2.0 + FONT as f64 * 0.35;
        for (place, line) in text.lines().enumerate() {
            self.put(format_args!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                first + step * place as f64,
                escaped(line)
            ));
        }
    }

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        _dashed: bool,
        _head: (bool, bool),
        _look: &StyleAttr,
        _properties: Option<String>,
        _text: &str,
    ) {
        let places: Vec<((f64, f64), (f64, f64))> = path
            .iter()
            .map(|(a, b)| (self.place(*a), self.place(*b)))
            .collect();
        // The first pair leaves its point by a control point, the others come in by one.
        let [(start, leave), (enter, next), rest @ ..] = &places[..] else {
            return;
        };
        let mut curve = format!(
            "M{:.1},{:.1} C{:.1},{:.1} {:.1},{:.1} {:.1},{:.1}",
            start.0, start.1, leave.0, leave.1, enter.0, enter.1, next.0, next.1
        );
        for (enter, next) in rest {
            let _ = write!(
                curve,
                " S{:.1},{:.1} {:.1},{:.1}",
                enter.0, enter.1, next.0, next.1
            );
        }
        self.put(format_args!(
            "<path d=\"{curve}\" fill=\"none\" stroke=\"black\" marker-end=\"url(#end)\"/>"
        ));
    }

    fn create_clip(&mut self, _xy: Point, _size: Point, _rounded: usize) -> ClipHandle {
        0
    }
}

fn escaped(text: &str) -> String {
    let mut result = String::new();
    for character in text.chars() {
        match character {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            // Control characters are not XML.
            c if c.is_control() => result.push(' '),
            c => result.push(c),
        }
    }
    result
}
