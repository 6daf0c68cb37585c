//! `einsum`, `rearrange` and `reduce`: the axes of their operands by name.
//!
//! Every operand is brought to a form with one axis a name (an atom): groups come apart by a
//! reshape, axes of extent 1 go. The result is put together from atoms the same way.

mod einsum;

use std::collections::BTreeMap;

use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{Composite, Op, Reduction};
use eyas_syntax::ast::{Argument, Axis, AxisList, ExprKind, PatternCall, PatternKind};
use eyas_tensor::Dim;

use crate::builtin::wants_elements;
use crate::dims;
use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::names::suggest;
use crate::value::{Operand, Value};

/// An axis that does not come apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Atom {
    Named(String),
    /// An axis of `..`, counted from its end.
    Rest(usize),
    /// An axis without a name, by the place where it is written.
    Anonymous(u32),
}

/// An atom in a pattern.
#[derive(Debug, Clone)]
struct Entry {
    atom: Atom,
    span: Span,
}

/// What is known of atoms: their extents, and where those come from.
#[derive(Debug, Default)]
struct Sizes {
    extents: BTreeMap<Atom, (Dim, Span)>,
    /// How many axes `..` stands for.
    rest: Option<usize>,
}

/// An operand with one axis an atom.
struct Atomic {
    operand: Operand,
    atoms: Vec<Atom>,
}

/// How axes that the result lacks are reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Mean,
    Reduction(Reduction),
}

const BY: [(&str, By); 5] = [
    ("sum", By::Reduction(Reduction::Sum)),
    ("mean", By::Mean),
    ("max", By::Reduction(Reduction::Maximum)),
    ("min", By::Reduction(Reduction::Minimum)),
    ("prod", By::Reduction(Reduction::Product)),
];

impl<'p> Elaborator<'p> {
    /// The value of a call with a pattern.
    pub fn pattern(&mut self, call: &'p PatternCall, piped: Option<Placed>) -> Eval<Value> {
        self.check_axes(call)?;
        let mut sizes = Sizes::default();
        let (operands, by) = self.pattern_arguments(call, piped, &mut sizes)?;
        let name = call.kind.node.name();
        let (wanted, found) = (call.inputs.len(), operands.len());
        let enough = match call.kind.node {
            PatternKind::Einsum => found == wanted,
            PatternKind::Rearrange => found >= 1,
            PatternKind::Reduce => found == 1,
        };
        if !enough {
            return self.fail(
                Diagnostic::error(
                    "E0112",
                    format!("`{name}` takes {wanted} tensors, not {found}"),
                )
                .primary(call.span, format!("{found} given"))
                .secondary(call.kind.span, format!("the pattern has {wanted}")),
            );
        }
        let mut results = Vec::new();
        match call.kind.node {
            PatternKind::Einsum => results.push(self.einsum(call, operands, sizes)?),
            PatternKind::Rearrange | PatternKind::Reduce => {
                let given: Vec<Atom> = sizes.extents.keys().cloned().collect();
                for (value, span) in operands {
                    sizes.extents.retain(|atom, _| given.contains(atom));
                    sizes.rest = None;
                    let operand = self.tensor(&value, span)?;
                    let result = self.rearranged(call, &operand, span, &mut sizes, by)?;
                    results.push(result);
                }
            }
        }
        Ok(match results.len() {
            1 => Value::Tensor(results.remove(0)),
            _ => Value::Tuple(results.into_iter().map(Value::Tensor).collect()),
        })
    }

    /// No axis stands twice in a list, and `..` once at most.
    fn check_axes(&mut self, call: &'p PatternCall) -> Eval<()> {
        for list in call.inputs.iter().chain([&call.output]) {
            let mut seen: BTreeMap<String, Span> = BTreeMap::new();
            let mut open: Vec<&Axis> = list.axes.iter().rev().collect();
            while let Some(axis) = open.pop() {
                let name = match axis {
                    Axis::Name { name, .. } => name.clone(),
                    Axis::Rest { .. } => "..".to_owned(),
                    Axis::Extent { .. } => continue,
                    Axis::Group { axes, .. } => {
                        open.extend(axes.iter().rev());
                        continue;
                    }
                };
                let span = axis.span();
                if let Some(first) = seen.insert(name.clone(), span) {
                    return self.fail(
                        Diagnostic::error(
                            "E0120",
                            format!("`{name}` stands twice among these axes"),
                        )
                        .primary(span, "again here")
                        .secondary(first, "first here"),
                    );
                }
            }
        }
        Ok(())
    }

    /// The operands, the extents given by name, and how axes are reduced.
    fn pattern_arguments(
        &mut self,
        call: &'p PatternCall,
        piped: Option<Placed>,
        sizes: &mut Sizes,
    ) -> Eval<(Vec<Placed>, By)> {
        let mut operands: Vec<Placed> = piped.into_iter().collect();
        let mut by = None;
        let mut result = Ok(());
        for argument in &call.arguments {
            let named = argument.name.as_ref().map(|name| name.text.as_str());
            let reduces = call.kind.node == PatternKind::Reduce
                && (named == Some("by") || (named.is_none() && !operands.is_empty()));
            if reduces {
                by = Some(self.reduction_name(argument)?);
                continue;
            }
            let span = argument.value.span;
            let value = match self.eval(&argument.value) {
                Ok(value) => value,
                Err(reported) => {
                    result = Err(reported);
                    continue;
                }
            };
            match &argument.name {
                None => operands.push((value, span)),
                Some(name) => {
                    if !mentions(call, &name.text) {
                        let diagnostic = Diagnostic::error(
                            "E0120",
                            format!("the pattern has no axis `{}`", name.text),
                        )
                        .primary(name.span, "no such axis");
                        let axes = axis_names(call);
                        let axes = axes.iter().map(String::as_str);
                        result = self.fail(suggest(diagnostic, &name.text, axes));
                        continue;
                    }
                    let extent = self.as_int(&value, span)?;
                    let atom = Atom::Named(name.text.clone());
                    sizes
                        .extents
                        .insert(atom, (self.normal(&extent), argument.span));
                }
            }
        }
        result?;
        match (call.kind.node, by) {
            (PatternKind::Reduce, None) => self.fail(
                Diagnostic::error("E0112", "`reduce` is not told how")
                    .primary(call.span, "missing here")
                    .help(
                        "name the reduction: `reduce[b c -> b](x, sum)`, or mean, max, min, prod",
                    ),
            ),
            (_, by) => Ok((operands, by.unwrap_or(By::Mean))),
        }
    }

    fn reduction_name(&mut self, argument: &'p Argument) -> Eval<By> {
        let name = match &argument.value.kind {
            ExprKind::Name(name) => name.as_str(),
            _ => "",
        };
        match BY.iter().find(|(known, _)| *known == name) {
            Some((_, by)) => Ok(*by),
            None => {
                let diagnostic = Diagnostic::error("E0112", "this is not a reduction")
                    .primary(argument.value.span, "sum, mean, max, min or prod is wanted");
                self.fail(suggest(
                    diagnostic,
                    name,
                    BY.iter().map(|(known, _)| *known),
                ))
            }
        }
    }

    /// The atoms of a list, an entry an axis of the operand; `..` becomes its axes.
    fn entries_of(&mut self, list: &AxisList, rest: usize) -> Vec<(Vec<Entry>, Span)> {
        let mut groups = Vec::new();
        for axis in &list.axes {
            let span = axis.span();
            match axis {
                Axis::Rest { .. } => {
                    for back in (0..rest).rev() {
                        let atom = Atom::Rest(back);
                        groups.push((vec![Entry { atom, span }], span));
                    }
                }
                Axis::Group { axes, .. } => {
                    let mut entries = Vec::new();
                    for inner in axes {
                        flatten(inner, rest, &mut entries);
                    }
                    groups.push((entries, span));
                }
                other => {
                    let mut entries = Vec::new();
                    flatten(other, rest, &mut entries);
                    groups.push((entries, span));
                }
            }
        }
        groups
    }

    /// Takes the operand apart into atoms, whose extents become known.
    fn take_apart(
        &mut self,
        list: &AxisList,
        operand: &Operand,
        place: Span,
        sizes: &mut Sizes,
        written: &BTreeMap<u32, i64>,
    ) -> Eval<Atomic> {
        let has_rest = list
            .axes
            .iter()
            .any(|axis| matches!(axis, Axis::Rest { .. }));
        let fixed = list.axes.len() - usize::from(has_rest);
        let rank = operand.ty.rank();
        if rank < fixed || (!has_rest && rank > fixed) {
            return self.fail(
                Diagnostic::error(
                    "E0120",
                    format!("the pattern has {}, the tensor {rank}", axes(fixed)),
                )
                .primary(list.span, axes(fixed))
                .secondary(place, format!("this is `{}`", operand.ty)),
            );
        }
        let rest = rank - fixed;
        if has_rest {
            sizes.rest = Some(sizes.rest.unwrap_or(0).max(rest));
        }
        let groups = self.entries_of(list, rest);
        let mut atoms = Vec::new();
        for ((entries, span), extent) in groups.into_iter().zip(operand.ty.shape.clone()) {
            self.solve(&entries, &extent, (operand, place), span, sizes, written)?;
            atoms.extend(entries.into_iter().map(|entry| entry.atom));
        }
        let known = |atom: &Atom| sizes.extents.get(atom).map(|(extent, _)| extent.clone());
        atoms.retain(|atom| {
            !matches!(atom, Atom::Anonymous(_)) || known(atom).is_none_or(|extent| !extent.is(1))
        });
        let shape: Vec<Dim> = atoms.iter().filter_map(known).collect();
        let operand = self.reshape(operand, shape, place)?;
        Ok(Atomic { operand, atoms })
    }

    /// Finds the extents of the atoms that make up one axis.
    fn solve(
        &mut self,
        entries: &[Entry],
        extent: &Dim,
        operand: (&Operand, Span),
        span: Span,
        sizes: &mut Sizes,
        written: &BTreeMap<u32, i64>,
    ) -> Eval<()> {
        let mut product = Dim::from(1);
        let mut open: Option<&Entry> = None;
        for entry in entries {
            if let Atom::Anonymous(at) = entry.atom {
                let value = written.get(&at).copied().unwrap_or(1);
                let known = (Dim::from(value), entry.span);
                sizes.extents.insert(entry.atom.clone(), known);
            }
            match sizes.extents.get(&entry.atom) {
                Some((known, _)) => {
                    let known = known.clone();
                    product = self.dim(dims::DimOperation::Multiply, &product, &known, span)?;
                }
                None => {
                    if let Some(first) = open {
                        let name = shown(&entry.atom);
                        return self.fail(
                            Diagnostic::error(
                                "E0120",
                                format!("neither `{}` nor `{name}` is known", shown(&first.atom)),
                            )
                            .primary(span, format!("these make up the extent `{extent}`"))
                            .help(format!(
                                "give the extent of one: `{name} = ...` among the arguments"
                            )),
                        );
                    }
                    open = Some(entry);
                }
            }
        }
        let Some(open) = open else {
            if self.same(&product, extent) {
                return Ok(());
            }
            return self.contradiction(entries, extent, &product, operand, span, sizes);
        };
        let quotient = if product.is(1) {
            Some(extent.clone())
        } else {
            let quotient = dims::exact_quotient(&self.facts, extent, &product);
            self.dim_result(quotient, span)?
        };
        let side = self.side(operand.0, operand.1);
        match quotient {
            Some(quotient) => {
                sizes
                    .extents
                    .insert(open.atom.clone(), (quotient, side.source()));
                Ok(())
            }
            None => {
                let symbolic = extent.as_constant().is_none() || product.as_constant().is_none();
                let fails = if symbolic {
                    "is not known to"
                } else {
                    "does not"
                };
                let mut diagnostic =
                    Diagnostic::error("E0106", format!("`{extent}` {fails} divide by `{product}`"))
                        .primary(span, format!("`{extent}` is to come apart into these"));
                diagnostic = side.label(diagnostic, "");
                for entry in entries {
                    if let Some((known, from)) = sizes.extents.get(&entry.atom)
                        && matches!(entry.atom, Atom::Named(_))
                    {
                        let text = format!("`{}` is `{known}` here", shown(&entry.atom));
                        diagnostic = diagnostic.secondary(*from, text);
                    }
                }
                if symbolic {
                    diagnostic = diagnostic.help(format!(
                        "if it does, say so: `assert {extent} % {product} == 0`"
                    ));
                }
                self.fail(diagnostic)
            }
        }
    }

    fn contradiction<T>(
        &mut self,
        entries: &[Entry],
        extent: &Dim,
        product: &Dim,
        operand: (&Operand, Span),
        span: Span,
        sizes: &Sizes,
    ) -> Eval<T> {
        let names: Vec<String> = entries.iter().map(|entry| shown(&entry.atom)).collect();
        let names = names.join(" ");
        let diagnostic = Diagnostic::error(
            "E0102",
            format!("the axis `{names}` is `{product}`, not `{extent}`"),
        )
        .primary(span, format!("`{extent}` is found here"));
        let mut diagnostic = self.side(operand.0, operand.1).label(diagnostic, "");
        if let [entry] = entries
            && let Some((known, from)) = sizes.extents.get(&entry.atom)
        {
            diagnostic = diagnostic.secondary(*from, format!("`{names}` is `{known}` here"));
        }
        self.fail(self.with_advice(diagnostic, product, extent))
    }

    /// The result's shape from its atoms: groups joined, axes of extent 1 and new axes put in.
    fn put_together(
        &mut self,
        call: &'p PatternCall,
        atomic: Atomic,
        sizes: &mut Sizes,
        written: &BTreeMap<u32, i64>,
        span: Span,
    ) -> Eval<Operand> {
        let groups = self.entries_of(&call.output, sizes.rest.unwrap_or(0));
        let entries: Vec<Entry> = groups
            .iter()
            .flat_map(|(entries, _)| entries.iter().cloned())
            .collect();
        for entry in &entries {
            if let Atom::Anonymous(at) = entry.atom {
                let value = written.get(&at).copied().unwrap_or(1);
                let known = (Dim::from(value), entry.span);
                sizes.extents.insert(entry.atom.clone(), known);
            }
        }
        let order: Vec<&Atom> = entries
            .iter()
            .map(|entry| &entry.atom)
            .filter(|atom| atomic.atoms.contains(atom))
            .collect();
        let permutation: Vec<usize> = order
            .iter()
            .filter_map(|atom| atomic.atoms.iter().position(|own| own == *atom))
            .collect();
        let mut operand = self.transpose(&atomic.operand, permutation, span)?;
        let mut single = Vec::new();
        let mut whole = Vec::new();
        for entry in &entries {
            let Some((extent, _)) = sizes.extents.get(&entry.atom).cloned() else {
                return self.unknown_axis(call, entry);
            };
            single.push(if atomic.atoms.contains(&entry.atom) {
                extent.clone()
            } else {
                Dim::from(1)
            });
            whole.push(extent);
        }
        if single != whole {
            operand = self.reshape(&operand, single, span)?;
            operand = self.broadcast(&operand, &whole, span)?;
        }
        let mut shape = Vec::new();
        let mut extents = whole.into_iter();
        for (entries, place) in &groups {
            let own: Vec<Dim> = extents.by_ref().take(entries.len()).collect();
            shape.push(self.dim_product(&own, *place)?);
        }
        self.reshape(&operand, shape, span)
    }

    fn unknown_axis<T>(&mut self, call: &'p PatternCall, entry: &Entry) -> Eval<T> {
        let name = shown(&entry.atom);
        let mut diagnostic = Diagnostic::error(
            "E0120",
            format!("`{name}` is in the result, but in no operand"),
        )
        .primary(entry.span, "not known");
        for list in &call.inputs {
            diagnostic = diagnostic.secondary(list.span, "not among these axes");
        }
        self.fail(diagnostic.help(format!(
            "to repeat along a new axis, give its extent: `{name} = ...` among the arguments"
        )))
    }

    fn rearranged(
        &mut self,
        call: &'p PatternCall,
        operand: &Operand,
        place: Span,
        sizes: &mut Sizes,
        by: By,
    ) -> Eval<Operand> {
        let written = written_extents(call);
        let [input] = &call.inputs[..] else {
            return Err(self.poison());
        };
        let mut atomic = self.take_apart(input, operand, place, sizes, &written)?;
        let output: Vec<Atom> = self
            .entries_of(&call.output, sizes.rest.unwrap_or(0))
            .into_iter()
            .flat_map(|(entries, _)| entries)
            .map(|entry| entry.atom)
            .collect();
        let lost: Vec<usize> = (0..atomic.atoms.len())
            .filter(|at| !output.contains(&atomic.atoms[*at]))
            .collect();
        if let Some(first) = lost.first() {
            if call.kind.node == PatternKind::Rearrange {
                let name = shown(&atomic.atoms[*first]);
                return self.fail(
                    Diagnostic::error("E0120", format!("the axis `{name}` is not in the result"))
                        .primary(call.output.span, format!("`{name}` is missing here"))
                        .secondary(input.span, "among these axes")
                        .help("`reduce` takes axes away: `reduce[b c -> b](x, sum)`"),
                );
            }
            atomic = self.reduce_atoms(atomic, &lost, by, call.span)?;
        }
        self.put_together(call, atomic, sizes, &written, call.span)
    }

    /// The atoms at some places reduced away.
    fn reduce_atoms(&mut self, atomic: Atomic, lost: &[usize], by: By, span: Span) -> Eval<Atomic> {
        let axes = lost.to_vec();
        let what = match by {
            By::Mean => Some("the mean"),
            By::Reduction(reduction) => wants_elements(reduction),
        };
        if let Some(what) = what {
            self.require_elements(what, &atomic.operand, &axes, span)?;
        }
        let op = match by {
            By::Mean => Op::composite(Composite::Mean { axes }),
            By::Reduction(reduction) => Op::Reduce { reduction, axes },
        };
        let reduced = self.emit(op, &[&atomic.operand], span)?;
        let kept = |at: &usize| !lost.contains(at);
        let places: Vec<usize> = (0..atomic.atoms.len()).filter(kept).collect();
        let shape = places
            .iter()
            .map(|at| reduced.ty.shape[*at].clone())
            .collect();
        let operand = self.reshape(&reduced, shape, span)?;
        let atoms = places
            .into_iter()
            .map(|at| atomic.atoms[at].clone())
            .collect();
        Ok(Atomic { operand, atoms })
    }
}

fn flatten(axis: &Axis, rest: usize, entries: &mut Vec<Entry>) {
    let span = axis.span();
    match axis {
        Axis::Name { name, .. } => entries.push(Entry {
            atom: Atom::Named(name.clone()),
            span,
        }),
        Axis::Extent { .. } => entries.push(Entry {
            atom: Atom::Anonymous(span.start),
            span,
        }),
        Axis::Rest { .. } => entries.extend((0..rest).rev().map(|back| Entry {
            atom: Atom::Rest(back),
            span,
        })),
        Axis::Group { axes, .. } => axes.iter().for_each(|inner| flatten(inner, rest, entries)),
    }
}

/// The extents that stand in a pattern as numbers, by where they are written.
fn written_extents(call: &PatternCall) -> BTreeMap<u32, i64> {
    let mut extents = BTreeMap::new();
    let mut open: Vec<&Axis> = call
        .inputs
        .iter()
        .chain([&call.output])
        .flat_map(|list| &list.axes)
        .collect();
    while let Some(axis) = open.pop() {
        match axis {
            Axis::Extent { value, span } => {
                let value = i64::try_from(*value).unwrap_or(i64::MAX);
                extents.insert(span.start, value);
            }
            Axis::Group { axes, .. } => open.extend(axes),
            Axis::Name { .. } | Axis::Rest { .. } => {}
        }
    }
    extents
}

fn axis_names(call: &PatternCall) -> Vec<String> {
    let mut names = Vec::new();
    let mut open: Vec<&Axis> = call
        .inputs
        .iter()
        .chain([&call.output])
        .flat_map(|list| &list.axes)
        .collect();
    while let Some(axis) = open.pop() {
        match axis {
            Axis::Name { name, .. } => names.push(name.clone()),
            Axis::Group { axes, .. } => open.extend(axes),
            Axis::Extent { .. } | Axis::Rest { .. } => {}
        }
    }
    names
}

fn mentions(call: &PatternCall, name: &str) -> bool {
    axis_names(call).iter().any(|own| own == name)
}

/// `1 axis`, `2 axes`
fn axes(count: usize) -> String {
    match count {
        1 => "1 axis".into(),
        count => format!("{count} axes"),
    }
}

fn shown(atom: &Atom) -> String {
    match atom {
        Atom::Named(name) => name.clone(),
        Atom::Rest(_) => "..".into(),
        Atom::Anonymous(_) => "1".into(),
    }
}
