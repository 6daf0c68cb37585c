//! The readable form of kernels, as dumps show it.

use std::fmt;

use eyas_ir::{Body, Constant, ScalarId, ScalarOp};
use eyas_tensor::{Dim, Number};

use crate::{
    Access, Contraction, Fold, Kernel, Map, Reduce, RightLayout, Role, Scatter, Stage, Work,
};

/// One argument a line, the space, and each access and body in the order they are used. Axes are
/// `i0` and on; of a reduction `o0` (outer) and `i0` (inner), of a contraction `b0`, `m0`, `n0`
/// and `k0`. `#1[i0]` is a place of argument 1. The alternate form names where it comes from.
impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kernel {}", self.name)?;
        if f.alternate() {
            for label in &self.origin.labels {
                writeln!(f, "  label {label}")?;
            }
            for span in &self.origin.spans {
                let file = span.file.0;
                writeln!(f, "  source {file}:{}..{}", span.start, span.end)?;
            }
        }
        for (place, argument) in self.arguments.iter().enumerate() {
            let role = match argument.role {
                Role::Read => "read",
                Role::Write => "write",
                Role::Update => "update",
            };
            let (dtype, length) = (argument.dtype, &argument.length);
            writeln!(f, "  #{place} {role} {dtype}[{length}]")?;
        }
        match &self.work {
            Work::Map(map) => write_map(f, map),
            Work::Reduce(reduce) => write_reduce(f, reduce),
            Work::Contraction(contraction) => write_contraction(f, contraction),
            Work::Scatter(scatter) => write_scatter(f, scatter),
        }
    }
}

fn write_map(f: &mut fmt::Formatter<'_>, map: &Map) -> fmt::Result {
    let axes = Axes::new(&[("i", map.extents.len())]);
    writeln!(f, "  map {}", Extents(&axes, &map.extents))?;
    write_reads(f, &axes, &map.reads)?;
    write_body(f, &axes, &map.body)?;
    write_writes(f, &axes, &map.body, &map.writes)
}

fn write_reduce(f: &mut fmt::Formatter<'_>, reduce: &Reduce) -> fmt::Result {
    let axes = Axes::new(&[("o", reduce.outer.len()), ("i", reduce.inner.len())]);
    let rows = Axes::new(&[("o", reduce.outer.len())]);
    let space = [&reduce.outer[..], &reduce.inner].concat();
    writeln!(f, "  reduce {}", Extents(&axes, &space))?;
    write_reads(f, &axes, &reduce.reads)?;
    for (place, stage) in reduce.stages.iter().enumerate() {
        let fold = fold_name(stage);
        writeln!(f, "  stage {place} {fold} in {}", stage.accumulator)?;
        write_body(f, &axes, &stage.body)?;
        write_results(f, &stage.body)?;
    }
    if let Some(row) = &reduce.row {
        writeln!(f, "  row")?;
        write_reads(f, &rows, &row.reads)?;
        write_body(f, &rows, &row.body)?;
        write_writes(f, &rows, &row.body, &row.writes)?;
    }
    if let Some(element) = &reduce.element {
        writeln!(f, "  element")?;
        write_body(f, &axes, &element.body)?;
        write_writes(f, &axes, &element.body, &element.writes)?;
    }
    Ok(())
}

fn write_contraction(f: &mut fmt::Formatter<'_>, c: &Contraction) -> fmt::Result {
    let [batch, rows, columns, contracted] = [
        ("b", c.batch.len()),
        ("m", c.rows.len()),
        ("n", c.columns.len()),
        ("k", c.contracted.len()),
    ];
    let all = Axes::new(&[batch, rows, columns, contracted]);
    writeln!(f, "  contraction {}", Extents(&all, &c.space()))?;
    let left = Axes::new(&[batch, rows, contracted]);
    writeln!(f, "    left  {}", Place(&left, &c.left))?;
    let right = Axes::new(&[batch, columns, contracted]);
    match c.right_layout {
        RightLayout::Strided => writeln!(f, "    right {}", Place(&right, &c.right))?,
        RightLayout::Panels(width) => {
            let (argument, offset) = (c.right.argument, &c.right.offset);
            writeln!(f, "    right #{argument}[{offset}..] in panels of {width}")?;
        }
    }
    writeln!(f, "    sum in {}", c.accumulator)?;
    let result = Axes::new(&[batch, rows, columns]);
    write_reads(f, &result, &c.reads)?;
    write_body(f, &result, &c.epilogue)?;
    write_writes(f, &result, &c.epilogue, std::slice::from_ref(&c.write))
}

fn write_scatter(f: &mut fmt::Formatter<'_>, scatter: &Scatter) -> fmt::Result {
    let axes = Axes::new(&[("i", scatter.extents.len())]);
    let combine = snake(&format!("{:?}", scatter.combine));
    writeln!(
        f,
        "  scatter {} {combine}",
        Extents(&axes, &scatter.extents)
    )?;
    writeln!(f, "    update {}", Place(&axes, &scatter.update))?;
    writeln!(f, "    target {}", Place(&axes, &scatter.target))
}

fn fold_name(stage: &Stage) -> String {
    match stage.fold {
        Fold::Value(reduction) => snake(&format!("{reduction:?}")),
        Fold::Arg(extreme) => format!("arg_{}", snake(&format!("{extreme:?}"))),
    }
}

fn write_reads(f: &mut fmt::Formatter<'_>, axes: &Axes, reads: &[Access]) -> fmt::Result {
    for read in reads {
        writeln!(f, "    read  {}", Place(axes, read))?;
    }
    Ok(())
}

fn write_writes(
    f: &mut fmt::Formatter<'_>,
    axes: &Axes,
    body: &Body,
    writes: &[Access],
) -> fmt::Result {
    for (result, write) in writes.iter().enumerate() {
        let place = Place(axes, write);
        match body.outputs.get(result) {
            Some(ScalarId(id)) => writeln!(f, "    write {place} = %{id}")?,
            None => writeln!(f, "    write {place} = ?")?,
        }
    }
    Ok(())
}

fn write_results(f: &mut fmt::Formatter<'_>, body: &Body) -> fmt::Result {
    for ScalarId(id) in &body.outputs {
        writeln!(f, "    fold  %{id}")?;
    }
    Ok(())
}

fn write_body(f: &mut fmt::Formatter<'_>, axes: &Axes, body: &Body) -> fmt::Result {
    for (place, node) in body.nodes.iter().enumerate() {
        write!(f, "      %{place}: {} = ", node.dtype)?;
        match &node.op {
            ScalarOp::Input(input) => write!(f, "input {input}")?,
            ScalarOp::Literal(constant) => f.write_str(&literal(constant))?,
            ScalarOp::Extent(dim) => write!(f, "extent {dim}")?,
            ScalarOp::Index(axis) => write!(f, "index {}", axes.name(*axis as usize))?,
            ScalarOp::Unary(function, _) => f.write_str(&snake(&format!("{function:?}")))?,
            ScalarOp::Binary(function, ..) => f.write_str(&snake(&format!("{function:?}")))?,
            ScalarOp::Compare(comparison, ..) => f.write_str(&snake(&format!("{comparison:?}")))?,
            ScalarOp::Select(..) => f.write_str("select")?,
            ScalarOp::Cast(_) => f.write_str("cast")?,
            ScalarOp::MultiplyAdd(..) => f.write_str("multiply_add")?,
            ScalarOp::Bitcast(_) => f.write_str("bitcast")?,
            ScalarOp::ShiftLeft(_, by) => write!(f, "shift_left {by}")?,
            ScalarOp::ShiftRight(_, by) => write!(f, "shift_right {by}")?,
        }
        for ScalarId(operand) in node.op.operands() {
            write!(f, " %{operand}")?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn literal(constant: &Constant) -> String {
    match constant.splat() {
        Some(Number::Float(x)) => format!("{x:?}"),
        Some(Number::Int(x)) => x.to_string(),
        Some(Number::Bool(x)) => x.to_string(),
        None => "no scalar".to_owned(),
    }
}

/// `FloorDivide` as `floor_divide`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(character.to_lowercase());
    }
    text
}

/// The names of a space's axes.
struct Axes(Vec<String>);

impl Axes {
    fn new(groups: &[(&str, usize)]) -> Axes {
        let names = groups
            .iter()
            .flat_map(|(letter, count)| (0..*count).map(move |axis| format!("{letter}{axis}")));
        Axes(names.collect())
    }

    fn name(&self, axis: usize) -> &str {
        self.0.get(axis).map_or("?", String::as_str)
    }
}

/// `[i0 < B, i1 < 128]`
struct Extents<'a>(&'a Axes, &'a [Dim]);

impl fmt::Display for Extents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (axis, extent) in self.1.iter().enumerate() {
            let separator = if axis == 0 { "" } else { ", " };
            write!(f, "{separator}{} < {extent}", self.0.name(axis))?;
        }
        f.write_str("]")
    }
}

/// `#0[3 + 128*i0 + i1 + 64*(#2[i0] < 10)]`
struct Place<'a>(&'a Axes, &'a Access);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place(axes, access) = self;
        write!(f, "#{}[", access.argument)?;
        let mut terms: Vec<String> = Vec::new();
        if !access.offset.is(0) {
            terms.push(access.offset.to_string());
        }
        for (axis, stride) in access.strides.iter().enumerate() {
            terms.extend(product(stride, axes.name(axis)));
        }
        if let Some(indirect) = &access.indirect {
            let index = format!("({} < {})", Place(axes, &indirect.index), indirect.extent);
            terms.extend(product(&indirect.stride, &index));
        }
        match terms.is_empty() {
            true => f.write_str("0")?,
            false => f.write_str(&terms.join(" + "))?,
        }
        f.write_str("]")
    }
}

/// A stride times an index; nothing for 0.
fn product(stride: &Dim, index: &str) -> Option<String> {
    match stride.as_constant() {
        Some(0) => None,
        Some(1) => Some(index.to_owned()),
        _ if stride.terms().len() > 1 => Some(format!("({stride})*{index}")),
        _ => Some(format!("{stride}*{index}")),
    }
}
