//! `repeat`: one `Loop` where the body is the same in every iteration, else its iterations one by one.
//!
//! The body is tried with a counter that is a tensor. Where it wants the counter at compile time,
//! declares a state, or changes the type of a value that goes around, the try is undone and the
//! body is run once for each value of the counter, which must then be constants.

use std::collections::BTreeSet;

use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{Graph, Op, TensorType, Trip};
use eyas_syntax::ast::Repeat;
use eyas_tensor::{DType, Dim};
use indexmap::IndexMap;

use crate::activation::Local;
use crate::dims::DimOperation;
use crate::elaborator::{Elaborator, Eval};
use crate::frame::{Frame, FrameCounter};
use crate::value::{Counter, Operand, Value};
use crate::visit;

/// What trying to keep a loop rolled came to.
enum Tried {
    /// The loop stands in the graph.
    Rolled,
    /// The body differs from one iteration to the next.
    Differs(Difference),
    /// The body has faults, which are reported.
    Faulty,
}

/// Where it shows that the iterations of a loop differ, and why.
type Difference = Vec<(Span, String)>;

impl<'p> Elaborator<'p> {
    pub fn repeat(&mut self, repeat: &'p Repeat) -> Eval<()> {
        self.deeper(repeat.span, |own| own.repeat_within(repeat))
    }

    fn repeat_within(&mut self, repeat: &'p Repeat) -> Eval<()> {
        let (start, end) = (self.extent(&repeat.start)?, self.extent(&repeat.end)?);
        let count = self.dim(DimOperation::Subtract, &end, &start, repeat.end.span)?;
        let count = match self.facts.range(&count).0 {
            Some(low) if low >= 0 => count,
            _ => self.dim(
                DimOperation::Maximum,
                &count,
                &Dim::from(0),
                repeat.end.span,
            )?,
        };
        let range = start.as_constant().zip(count.as_constant());
        let checkpoint = self.checkpoint();
        let difference = match self.try_rolled(repeat, &start, &count, range)? {
            Tried::Rolled => return Ok(()),
            Tried::Faulty => return Err(self.poison()),
            Tried::Differs(difference) => difference,
        };
        self.restore(checkpoint);
        let Some((start, count)) = range else {
            if self.frames.len() > 1 && self.unroll.is_some() {
                return Err(self.poison());
            }
            self.unroll = None;
            let mut diagnostic = Diagnostic::error(
                "E0127",
                "this loop differs by iteration, so its range must be constant",
            )
            .primary(
                repeat.end.span,
                format!("`{count}` iterations, known when dims are bound"),
            );
            for (place, message) in difference {
                diagnostic = diagnostic.secondary(place, message);
            }
            return self.fail(diagnostic);
        };
        self.unroll = None;
        self.run_unrolled(repeat, start, count)
    }

    fn try_rolled(
        &mut self,
        repeat: &'p Repeat,
        start: &Dim,
        count: &Dim,
        range: Option<(i64, i64)>,
    ) -> Eval<Tried> {
        let saved = self.activations.last().map(|own| own.locals.clone());
        let Some(before) = saved else {
            return Err(self.poison());
        };
        let checkpoint = self.checkpoint();
        let carried = self.enter_loop(repeat, &before, range)?;
        let errors = self.error_count();
        for line in &repeat.body.statements {
            self.statement(line);
            if self.unroll.is_some() || self.is_exhausted() {
                break;
            }
        }
        if let Some((place, reason)) = self.unroll {
            self.leave(before);
            return Ok(Tried::Differs(vec![(place, reason.into())]));
        }
        if self.error_count() > errors || self.is_exhausted() {
            self.frames.pop();
            self.leave(before);
            return Ok(Tried::Faulty);
        }
        let locals = self.activations.last().map(|own| own.locals.clone());
        let after = locals.unwrap_or_default();
        let ends = match self.loop_ends(repeat, &before, &after, &carried)? {
            Ok(ends) => ends,
            Err(difference) => {
                self.leave(before);
                return Ok(Tried::Differs(difference));
            }
        };
        if count.is(0) {
            self.restore(checkpoint);
            self.leave(before);
            return Ok(Tried::Rolled);
        }
        self.leave(before);
        self.close_loop(repeat, carried, ends, start, count)?;
        Ok(Tried::Rolled)
    }

    /// Names that the loop bound are gone behind it.
    fn leave(&mut self, locals: IndexMap<String, Local>) {
        if let Some(activation) = self.activation() {
            activation.locals = locals;
        }
    }

    /// Begins the graph of a loop's body; gives the tensors that the body assigns anew.
    fn enter_loop(
        &mut self,
        repeat: &'p Repeat,
        before: &IndexMap<String, Local>,
        range: Option<(i64, i64)>,
    ) -> Eval<Vec<(String, Operand)>> {
        let assigned: BTreeSet<&str> = visit::assigned(&repeat.body)
            .into_iter()
            .map(|name| name.text.as_str())
            .collect();
        let mut carried = Vec::new();
        for (name, local) in before {
            if assigned.contains(name.as_str())
                && matches!(local.value, Value::Tensor(_) | Value::Fill(_))
            {
                let operand = self.tensor(&local.value, local.span)?;
                carried.push((name.clone(), self.import(&operand)));
            }
        }
        let variable = self.fresh_variable(&repeat.variable.text);
        let label = self.activations.last().map_or("", |own| own.source_path());
        let separator = if label.is_empty() { "" } else { "." };
        let mut graph = Graph::new(format!("{label}{separator}repeat.{variable}"));
        let counter = graph.add_input(variable.clone(), TensorType::scalar(DType::I64));
        let depth = self.frames.len();
        let inside = |value, ty: &TensorType, span| Operand {
            frame: depth,
            value,
            ty: ty.clone(),
            span,
        };
        let mut bindings = Vec::new();
        for (name, operand) in &carried {
            let input = if *name == variable {
                format!("{name}'")
            } else {
                name.clone()
            };
            let value = graph.add_input(input, operand.ty.clone());
            bindings.push((name.clone(), inside(value, &operand.ty, operand.span)));
        }
        let mut frame = Frame::new(graph);
        frame.counter = Some(FrameCounter {
            variable: variable.clone(),
            value: counter,
            range,
        });
        self.frames.push(frame);
        let operand = inside(
            counter,
            &TensorType::scalar(DType::I64),
            repeat.variable.span,
        );
        let counter = Counter {
            operand,
            variable: Some(variable),
        };
        if let Some(activation) = self.activation() {
            for (name, operand) in bindings {
                let span = operand.span;
                activation.bind(name, Value::Tensor(operand), span);
            }
            let name = &repeat.variable;
            activation.bind(name.text.as_str(), Value::Counter(counter), name.span);
        }
        Ok(carried)
    }

    /// A name for a counter that no loop around has.
    fn fresh_variable(&self, wanted: &str) -> String {
        let plain = wanted
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let base = if plain && !wanted.is_empty() {
            wanted
        } else {
            "i"
        };
        let taken = |name: &str| {
            let counters = self
                .frames
                .iter()
                .filter_map(|frame| frame.counter.as_ref());
            counters.into_iter().any(|counter| counter.variable == name)
        };
        let mut name = base.to_owned();
        let mut number = 2;
        while taken(&name) {
            name = format!("{base}{number}");
            number += 1;
        }
        name
    }

    /// What the carried values are at the body's end, unless that shows that iterations differ.
    fn loop_ends(
        &mut self,
        repeat: &'p Repeat,
        before: &IndexMap<String, Local>,
        after: &IndexMap<String, Local>,
        carried: &[(String, Operand)],
    ) -> Eval<Result<Vec<Operand>, Difference>> {
        let changes = "this changes from one iteration to the next";
        for (name, local) in before {
            let Some(end) = after.get(name) else {
                continue;
            };
            let tensor = carried.iter().any(|(own, _)| own == name);
            let counter = *name == repeat.variable.text;
            if !tensor && !counter && !unchanged(&local.value, &end.value) {
                return Ok(Err(vec![(end.span, changes.into())]));
            }
        }
        let mut ends = Vec::new();
        for (name, start) in carried {
            let Some(local) = after.get(name) else {
                continue;
            };
            let end = match &local.value {
                Value::Tensor(_) | Value::Fill(_) => self.tensor(&local.value, local.span)?,
                _ => return Ok(Err(vec![(local.span, changes.into())])),
            };
            let end = self.import(&end);
            if end.ty != start.ty {
                let (first, then) = (&start.ty, &end.ty);
                return Ok(Err(vec![
                    (local.span, format!("{changes}: `{first}` becomes `{then}`")),
                    (start.span, format!("`{first}` before the loop")),
                ]));
            }
            ends.push(end);
        }
        Ok(Ok(ends))
    }

    /// Ends the body's graph and adds the loop to the graph around.
    fn close_loop(
        &mut self,
        repeat: &'p Repeat,
        carried: Vec<(String, Operand)>,
        ends: Vec<Operand>,
        start: &Dim,
        count: &Dim,
    ) -> Eval<()> {
        let Some(mut frame) = self.frames.pop() else {
            return Err(self.poison());
        };
        for ((name, _), end) in carried.iter().zip(&ends) {
            frame.graph.add_output(name.clone(), end.value);
        }
        frame.graph.remove_dead();
        let variable = frame
            .counter
            .as_ref()
            .map_or(String::new(), |counter| counter.variable.clone());
        let mut operands: Vec<eyas_ir::Value> =
            carried.iter().map(|(_, operand)| operand.value).collect();
        operands.extend(frame.captures.keys().map(|(_, value)| *value));
        let types: Vec<TensorType> = ends.iter().map(|end| end.ty.clone()).collect();
        let body = self.module.add_graph(frame.graph);
        let op = Op::Loop {
            body,
            variable,
            trip: Trip::Range {
                start: start.clone(),
                count: count.clone(),
            },
            carried: carried.len(),
        };
        self.charge(repeat.span, 1)?;
        let origin = self.origin(repeat.span);
        let current = self.current();
        let node = self.frames[current]
            .graph
            .add_typed(op, &operands, types.clone(), origin)
            .node;
        for (result, ((name, _), ty)) in carried.into_iter().zip(types).enumerate() {
            let value = eyas_ir::Value {
                node,
                result: result as u32,
            };
            let operand = Operand {
                frame: current,
                value,
                ty,
                span: repeat.span,
            };
            if let Some(activation) = self.activation() {
                activation.bind(name, Value::Tensor(operand), repeat.span);
            }
        }
        Ok(())
    }

    fn run_unrolled(&mut self, repeat: &'p Repeat, start: i64, count: i64) -> Eval<()> {
        let names: BTreeSet<String> = self
            .activations
            .last()
            .map(|own| own.locals.keys().cloned().collect())
            .unwrap_or_default();
        let shadowed = self
            .activations
            .last()
            .and_then(|own| own.locals.get(&repeat.variable.text).cloned());
        let errors = self.error_count();
        for step in 0..count {
            self.charge(repeat.span, 1)?;
            let value = Value::Int(Dim::from(start.saturating_add(step)));
            if let Some(activation) = self.activation() {
                activation.bind(repeat.variable.text.as_str(), value, repeat.variable.span);
            }
            for line in &repeat.body.statements {
                self.statement(line);
                if self.unroll.is_some() || self.is_exhausted() {
                    return Err(self.poison());
                }
            }
            // Further iterations would say the same.
            if self.error_count() > errors {
                return Err(self.poison());
            }
            if let Some(activation) = self.activation() {
                activation.locals.retain(|name, _| names.contains(name));
            }
        }
        if let Some(activation) = self.activation() {
            match shadowed {
                Some(local) => drop(
                    activation
                        .locals
                        .insert(repeat.variable.text.clone(), local),
                ),
                None => drop(activation.locals.shift_remove(&repeat.variable.text)),
            }
        }
        Ok(())
    }
}

/// Whether a name still stands for what it did.
fn unchanged(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Poison, _) => true,
        (Value::Tensor(a), Value::Tensor(b)) => a.frame == b.frame && a.value == b.value,
        (Value::Fill(a), Value::Fill(b)) => a.ty == b.ty && a.value.to_bits() == b.value.to_bits(),
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Element(a), Value::Element(b)) => a == b,
        (Value::Condition(a), Value::Condition(b)) => a == b,
        (Value::Real(a), Value::Real(b)) => match (a.as_number(), b.as_number()) {
            (Some(a), Some(b)) => a.to_bits() == b.to_bits(),
            _ => a.is_same(b),
        },
        (Value::Tuple(a), Value::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| unchanged(a, b))
        }
        (Value::Counter(a), Value::Counter(b)) => {
            a.operand.frame == b.operand.frame && a.operand.value == b.operand.value
        }
        _ => false,
    }
}
