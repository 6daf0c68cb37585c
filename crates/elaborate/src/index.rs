use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{Op, TensorType};
use eyas_syntax::ast::{Expr, Index};
use eyas_tensor::{DType, Dim, Fact, Relation};

use crate::dims::{self, DimOperation};
use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::value::{Operand, Value};

/// What an index does to one axis.
enum Taken {
    /// The axis stays whole.
    Whole,
    /// Places at a distance.
    Range { start: Dim, count: Dim, step: i64 },
    /// One place; the axis goes.
    One(Dim),
    /// Places that a tensor names.
    Gathered(Operand, Span),
}

impl<'p> Elaborator<'p> {
    /// `x[0, .., a..b, ids]`
    pub fn index(&mut self, base: Placed, indices: &'p [Index], span: Span) -> Eval<Value> {
        if let Value::Tuple(values) = &base.0 {
            return self.element(values, indices, span);
        }
        let operand = self.tensor(&base.0, base.1)?;
        let taken = self.entries(&operand, indices, span)?;
        let sliced = self.slice(&operand, &taken, span)?;
        let kept: Vec<Dim> = sliced
            .ty
            .shape
            .iter()
            .zip(&taken)
            .filter(|(_, taken)| !matches!(taken, Taken::One(_)))
            .map(|(extent, _)| extent.clone())
            .collect();
        let mut result = self.reshape(&sliced, kept, span)?;
        // From the last axis to the first, so that axes before an index keep their places.
        let gathered: Vec<&Taken> = taken
            .iter()
            .filter(|taken| !matches!(taken, Taken::One(_)))
            .collect();
        for (axis, taken) in gathered.into_iter().enumerate().rev() {
            if let Taken::Gathered(places, place) = taken {
                if !places.ty.dtype.is_integer() {
                    let ty = &places.ty;
                    return self.fail(
                        Diagnostic::error(
                            "E0103",
                            format!("an index holds integers, not `{}`", ty.dtype),
                        )
                        .primary(*place, format!("this is `{ty}`")),
                    );
                }
                result = self.emit(Op::Gather { axis }, &[&result, places], span)?;
            }
        }
        Ok(Value::Tensor(result))
    }

    fn element(&mut self, values: &[Value], indices: &'p [Index], span: Span) -> Eval<Value> {
        let [Index::At(place)] = indices else {
            return self.fail(
                Diagnostic::error("E0119", "several values are indexed by one number")
                    .primary(span, format!("these are {} values", values.len())),
            );
        };
        let value = self.eval(place)?;
        let number = self.as_constant_int(&value, place.span)?;
        let found = usize::try_from(number).ok().and_then(|at| values.get(at));
        match found {
            Some(value) => Ok(value.clone()),
            None => self.fail(
                Diagnostic::error(
                    "E0111",
                    format!("there is no value {number} of {}", values.len()),
                )
                .primary(place.span, "out of range"),
            ),
        }
    }

    /// What is done to each axis.
    fn entries(&mut self, operand: &Operand, indices: &'p [Index], span: Span) -> Eval<Vec<Taken>> {
        let rank = operand.ty.rank();
        let mut rests = indices
            .iter()
            .filter(|entry| matches!(entry, Index::Rest(_)));
        if let (Some(first), Some(second)) = (rests.next(), rests.next()) {
            return self.fail(
                Diagnostic::error("E0111", "an index has `..` once at most")
                    .primary(second.span(), "again here")
                    .secondary(first.span(), "first here"),
            );
        }
        let has_rest = indices.iter().any(|entry| matches!(entry, Index::Rest(_)));
        let fixed = indices.len() - usize::from(has_rest);
        if fixed > rank {
            return self.fail(
                Diagnostic::error("E0121", format!("{fixed} indices for {rank} axes"))
                    .primary(span, format!("this is indexed {fixed} times"))
                    .secondary(operand.span, format!("this is `{}`", operand.ty)),
            );
        }
        let mut taken = Vec::with_capacity(rank);
        for entry in indices {
            match entry {
                Index::Rest(_) => taken.extend((0..rank - fixed).map(|_| Taken::Whole)),
                Index::At(tree) => {
                    let extent = operand.ty.shape[taken.len()].clone();
                    let one = self.place(tree, &extent, operand)?;
                    taken.push(one);
                }
                Index::Slice {
                    start, end, step, ..
                } => {
                    let extent = operand.ty.shape[taken.len()].clone();
                    let parts = [start.as_deref(), end.as_deref(), step.as_deref()];
                    let range = self.range(parts, &extent, operand, entry.span())?;
                    taken.push(range);
                }
            }
        }
        while taken.len() < rank {
            taken.push(Taken::Whole);
        }
        let ranked =
            |taken: &&Taken| matches!(taken, Taken::Gathered(places, _) if places.ty.rank() > 0);
        if taken.iter().filter(ranked).count() > 1 {
            return self.fail(
                Diagnostic::error("E0111", "one tensor indexes at a time")
                    .primary(span, "several tensors index here")
                    .help("index by one, then by the other"),
            );
        }
        Ok(taken)
    }

    fn place(&mut self, tree: &'p Expr, extent: &Dim, operand: &Operand) -> Eval<Taken> {
        match self.eval(tree)? {
            Value::Int(place) => {
                let place = self.counted_from_end(&place, extent, tree.span)?;
                self.check_place(&place, extent, operand, tree.span)?;
                Ok(Taken::One(place))
            }
            value @ (Value::Tensor(_) | Value::Fill(_) | Value::Counter(_)) => {
                let places = self.tensor(&value, tree.span)?;
                Ok(Taken::Gathered(places, tree.span))
            }
            other => {
                let found = other.describe();
                self.fail(
                    Diagnostic::error("E0119", "an index is an integer or a tensor of integers")
                        .primary(tree.span, format!("this is {found}")),
                )
            }
        }
    }

    /// A place below 0 counts from the end.
    fn counted_from_end(&mut self, place: &Dim, extent: &Dim, span: Span) -> Eval<Dim> {
        match place.as_constant() {
            Some(number) if number < 0 => self.dim(DimOperation::Add, extent, place, span),
            _ => Ok(place.clone()),
        }
    }

    fn check_place(
        &mut self,
        place: &Dim,
        extent: &Dim,
        operand: &Operand,
        span: Span,
    ) -> Eval<()> {
        let bounds = [
            (Dim::from(0), Relation::LessOrEqual, place.clone()),
            (place.clone(), Relation::Less, extent.clone()),
        ];
        for (left, relation, right) in bounds {
            self.in_range(left, relation, right, extent, operand, span)?;
        }
        Ok(())
    }

    /// Checks a bound of a place, now or when dims are bound.
    fn in_range(
        &mut self,
        left: Dim,
        relation: Relation,
        right: Dim,
        extent: &Dim,
        operand: &Operand,
        span: Span,
    ) -> Eval<()> {
        let message = Some("a place is outside the axis that it indexes".to_owned());
        let fact = Fact {
            left,
            relation,
            right,
            message,
        };
        match dims::decide(&self.facts, &fact) {
            Some(true) => Ok(()),
            Some(false) => self.fail(
                Diagnostic::error(
                    "E0111",
                    format!("the place is outside an axis of extent `{extent}`"),
                )
                .primary(span, format!("`{fact}` does not hold"))
                .secondary(operand.span, format!("this is `{}`", operand.ty)),
            ),
            None => self.assume(fact, span),
        }
    }

    fn range(
        &mut self,
        parts: [Option<&'p Expr>; 3],
        extent: &Dim,
        operand: &Operand,
        span: Span,
    ) -> Eval<Taken> {
        let [start, end, step] = parts;
        let step = match step {
            Some(tree) => {
                let value = self.eval(tree)?;
                let step = self.as_constant_int(&value, tree.span)?;
                if step == 0 || step == i64::MIN {
                    return self.fail(
                        Diagnostic::error("E0111", "a step is not 0")
                            .primary(tree.span, "no place follows another"),
                    );
                }
                step
            }
            None => 1,
        };
        let one = Dim::from(1);
        let last = self.dim(DimOperation::Subtract, extent, &one, span)?;
        let start = match start {
            Some(tree) => {
                let place = self.extent(tree)?;
                self.counted_from_end(&place, extent, tree.span)?
            }
            None if step > 0 => Dim::from(0),
            None => last.clone(),
        };
        let end = match end {
            Some(tree) => {
                let place = self.extent(tree)?;
                self.counted_from_end(&place, extent, tree.span)?
            }
            None if step > 0 => extent.clone(),
            None => Dim::from(-1),
        };
        let (low, high, limit) = if step > 0 {
            (&start, &end, extent)
        } else {
            (&end, &start, &last)
        };
        let least = if step > 0 {
            Dim::from(0)
        } else {
            Dim::from(-1)
        };
        for (left, right) in [(&least, low), (low, high), (high, limit)] {
            let (left, right) = (left.clone(), right.clone());
            self.in_range(left, Relation::LessOrEqual, right, extent, operand, span)?;
        }
        let length = self.dim(DimOperation::Subtract, high, low, span)?;
        let by = Dim::from(step.abs());
        let rounded = self.dim(DimOperation::Add, &length, &Dim::from(step.abs() - 1), span)?;
        let count = self.dim(DimOperation::FloorDivide, &rounded, &by, span)?;
        Ok(Taken::Range { start, count, step })
    }

    fn slice(&mut self, operand: &Operand, taken: &[Taken], span: Span) -> Eval<Operand> {
        let mut starts = Vec::new();
        let mut shape = Vec::new();
        let mut steps = Vec::new();
        for (entry, extent) in taken.iter().zip(&operand.ty.shape) {
            let (start, count, step) = match entry {
                Taken::Whole | Taken::Gathered(..) => (Dim::from(0), extent.clone(), 1),
                Taken::Range { start, count, step } => (start.clone(), count.clone(), *step),
                Taken::One(place) => (place.clone(), Dim::from(1), 1),
            };
            starts.push(start);
            shape.push(count);
            steps.push(step);
        }
        let whole = shape == operand.ty.shape
            && starts.iter().all(|start| start.is(0))
            && steps.iter().all(|step| *step == 1);
        if whole {
            return Ok(operand.clone());
        }
        let op = Op::Slice {
            starts,
            shape,
            steps,
        };
        self.emit(op, &[operand], span)
    }

    /// The operand under other extents, where they are others.
    pub fn reshape(&mut self, operand: &Operand, shape: Vec<Dim>, span: Span) -> Eval<Operand> {
        if operand.ty.shape == shape {
            return Ok(operand.clone());
        }
        self.emit(Op::Reshape { shape }, &[operand], span)
    }

    /// The operand's axes in another order, where it is another.
    pub fn transpose(
        &mut self,
        operand: &Operand,
        permutation: Vec<usize>,
        span: Span,
    ) -> Eval<Operand> {
        if permutation.iter().copied().eq(0..operand.ty.rank()) {
            return Ok(operand.clone());
        }
        self.emit(Op::Transpose { permutation }, &[operand], span)
    }

    /// The operand with another element type, where it is another.
    pub fn cast(&mut self, operand: &Operand, dtype: DType, span: Span) -> Eval<Operand> {
        if operand.ty.dtype == dtype {
            return Ok(operand.clone());
        }
        self.emit(Op::Cast { dtype }, &[operand], span)
    }

    /// The axis of a number, which counts from the end where it is below 0.
    pub fn axis(&mut self, value: &Value, ty: &TensorType, span: Span) -> Eval<usize> {
        let number = self.as_constant_int(value, span)?;
        let rank = ty.rank() as i64;
        let axis = if number < 0 {
            number.saturating_add(rank)
        } else {
            number
        };
        if (0..rank).contains(&axis) {
            return Ok(axis as usize);
        }
        self.fail(
            Diagnostic::error("E0121", format!("there is no axis {number}"))
                .primary(span, format!("the tensor is `{ty}`, with {rank} axes")),
        )
    }
}
