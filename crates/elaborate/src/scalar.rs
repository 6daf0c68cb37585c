//! Compile-time numbers: what may be computed without a graph, and how such a value enters one.

use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{BinaryFunction, Comparison, Constant, Op, TensorType, UnaryFunction};
use eyas_tensor::{DType, Dim, Fact, Number, Relation};

use crate::dims::{self, DimOperation, decide};
use crate::elaborator::{Elaborator, Eval};
use crate::value::{Operand, Real, RealNode, Value};

/// Why a loop is written out.
pub(crate) const COUNTER_WANTED: &str = "the counter is wanted when compiling";

impl Elaborator<'_> {
    /// A compile-time integer, which may be a dim.
    pub fn as_int(&mut self, value: &Value, span: Span) -> Eval<Dim> {
        match value {
            Value::Int(dim) => Ok(dim.clone()),
            Value::Poison => Err(self.poison()),
            Value::Counter(_) => self.wants_unrolling(span, COUNTER_WANTED),
            Value::Real(real) => {
                let whole = real.as_number().filter(|value| value.fract() == 0.0);
                let diagnostic = Diagnostic::error("E0118", "an integer is wanted here")
                    .primary(span, format!("this is {}", value.describe()));
                self.fail(match whole {
                    Some(_) => diagnostic.help("`/` gives a real number; `//` gives an integer"),
                    None => diagnostic,
                })
            }
            other => {
                let found = other.describe();
                self.fail(
                    Diagnostic::error("E0118", "an integer known when compiling is wanted here")
                        .primary(span, format!("this is {found}")),
                )
            }
        }
    }

    /// A compile-time integer that no run changes.
    pub fn as_constant_int(&mut self, value: &Value, span: Span) -> Eval<i64> {
        let dim = self.as_int(value, span)?;
        dim.as_constant().map_or_else(
            || {
                self.fail(
                    Diagnostic::error("E0118", "a number known when compiling is wanted here")
                        .primary(span, format!("this is `{dim}`, which a run binds"))
                        .help("give the dim a value with `--bind`, or write a constant"),
                )
            },
            Ok,
        )
    }

    /// A compile-time real number, which may depend on dims.
    pub fn as_real(&mut self, value: &Value, span: Span) -> Eval<Real> {
        match value {
            Value::Int(dim) => Ok(Real::extent(dim)),
            Value::Real(real) => Ok(real.clone()),
            Value::Poison => Err(self.poison()),
            Value::Counter(_) => self.wants_unrolling(span, COUNTER_WANTED),
            other => {
                let found = other.describe();
                self.fail(
                    Diagnostic::error("E0118", "a number known when compiling is wanted here")
                        .primary(span, format!("this is {found}")),
                )
            }
        }
    }

    /// A compile-time real number that no run changes.
    pub fn as_number(&mut self, value: &Value, span: Span) -> Eval<f64> {
        let real = self.as_real(value, span)?;
        real.as_number().map_or_else(
            || {
                self.fail(
                    Diagnostic::error("E0118", "a number known when compiling is wanted here")
                        .primary(span, "this depends on dims that a run binds"),
                )
            },
            Ok,
        )
    }

    /// A compile-time truth value.
    pub fn as_bool(&mut self, value: &Value, span: Span) -> Eval<bool> {
        match value {
            Value::Bool(value) => Ok(*value),
            Value::Poison => Err(self.poison()),
            Value::Condition(facts) => {
                let text: Vec<String> = facts.iter().map(ToString::to_string).collect();
                let text = text.join(" and ");
                self.fail(
                    Diagnostic::error(
                        "E0115",
                        format!("`{text}` is known only when dims are bound"),
                    )
                    .primary(span, "a decision is wanted when compiling")
                    .help("give the dims values with `--bind`, or state what holds with `where`"),
                )
            }
            other => {
                let found = other.describe();
                self.fail(
                    Diagnostic::error("E0118", "a truth value known when compiling is wanted here")
                        .primary(span, format!("this is {found}")),
                )
            }
        }
    }

    /// Notes that the loop around must be unrolled, and why.
    pub fn wants_unrolling<T>(&mut self, span: Span, reason: &'static str) -> Eval<T> {
        self.unroll.get_or_insert((span, reason));
        Err(self.poison())
    }

    /// Arithmetic on two compile-time numbers.
    pub fn scalar_binary(
        &mut self,
        function: BinaryFunction,
        a: &Value,
        b: &Value,
        span: Span,
    ) -> Eval<Value> {
        use BinaryFunction::*;
        if matches!(function, And | Or | Xor) {
            return self.logic(function, a, b, span);
        }
        if let (Value::Int(a), Value::Int(b)) = (a, b)
            && let Some(result) = self.integer_binary(function, a, b, span)?
        {
            return Ok(result);
        }
        let (a, b) = (self.as_real(a, span)?, self.as_real(b, span)?);
        self.real(Real::binary(function, a, b), span)
    }

    /// Integers stay integers, but for `/` and powers below 0, which give nothing here.
    fn integer_binary(
        &mut self,
        function: BinaryFunction,
        a: &Dim,
        b: &Dim,
        span: Span,
    ) -> Eval<Option<Value>> {
        use BinaryFunction::*;
        let operation = match function {
            Add => DimOperation::Add,
            Subtract => DimOperation::Subtract,
            Multiply => DimOperation::Multiply,
            FloorDivide => DimOperation::FloorDivide,
            Remainder => DimOperation::Remainder,
            Minimum => DimOperation::Minimum,
            Maximum => DimOperation::Maximum,
            Divide => {
                let known = a.as_constant().is_some() && b.as_constant().is_some();
                let exact = if known || b.is(0) {
                    None
                } else {
                    let quotient = dims::exact_quotient(&self.facts, a, b);
                    self.dim_result(quotient, span)?
                };
                return Ok(exact.map(|quotient| Value::Real(Real::extent(&quotient))));
            }
            Power => return self.integer_power(a, b, span),
            And | Or | Xor => return Ok(None),
        };
        self.dim(operation, a, b, span)
            .map(|dim| Some(Value::Int(dim)))
    }

    fn integer_power(&mut self, a: &Dim, b: &Dim, span: Span) -> Eval<Option<Value>> {
        let Some(exponent) = b.as_constant().filter(|exponent| *exponent >= 0) else {
            return Ok(None);
        };
        if let Some(base) = a.as_constant() {
            let power = u32::try_from(exponent)
                .ok()
                .and_then(|exponent| base.checked_pow(exponent))
                .or((base == 0 || base == 1).then_some(base));
            let power = power.ok_or(dims::Fault::Dim(eyas_tensor::DimError::Overflow));
            return self
                .dim_result(power, span)
                .map(|power| Some(Value::Int(Dim::from(power))));
        }
        if exponent > 8 {
            return self.dim_result(Err(dims::Fault::Large), span);
        }
        let mut power = Dim::from(1);
        for _ in 0..exponent {
            power = self.dim(DimOperation::Multiply, &power, a, span)?;
        }
        Ok(Some(Value::Int(power)))
    }

    fn real(&mut self, real: Option<Real>, span: Span) -> Eval<Value> {
        match real {
            Some(real) => Ok(Value::Real(real)),
            None => self.fail(
                Diagnostic::error("E0139", "this number takes too many steps to compute")
                    .primary(span, "the expression has grown too large"),
            ),
        }
    }

    fn logic(&mut self, function: BinaryFunction, a: &Value, b: &Value, span: Span) -> Eval<Value> {
        let conjunction = function == BinaryFunction::And;
        match (a, b) {
            (Value::Bool(x), Value::Bool(y)) => Ok(Value::Bool(match function {
                BinaryFunction::And => *x && *y,
                BinaryFunction::Or => *x || *y,
                _ => x != y,
            })),
            (Value::Bool(known), Value::Condition(open))
            | (Value::Condition(open), Value::Bool(known)) => Ok(if *known == conjunction {
                Value::Condition(open.clone())
            } else {
                Value::Bool(*known)
            }),
            (Value::Condition(left), Value::Condition(right)) if conjunction => Ok(
                Value::Condition(left.iter().chain(right).cloned().collect()),
            ),
            (Value::Condition(_), Value::Condition(_)) => self.fail(
                Diagnostic::error(
                    "E0115",
                    "an alternative of conditions on dims cannot be kept",
                )
                .primary(span, "neither side is known when compiling")
                .help("state one condition that holds in every case"),
            ),
            _ => {
                let word = if conjunction { "and" } else { "or" };
                let found = [a, b].map(Value::describe).join(" and ");
                self.fail(
                    Diagnostic::error("E0118", format!("`{word}` joins truth values"))
                        .primary(span, format!("these are {found}")),
                )
            }
        }
    }

    /// A comparison of two compile-time values.
    pub fn scalar_compare(
        &mut self,
        comparison: Comparison,
        a: &Value,
        b: &Value,
        span: Span,
    ) -> Eval<Value> {
        if let (Value::Bool(a), Value::Bool(b)) = (a, b) {
            match comparison {
                Comparison::Equal => return Ok(Value::Bool(a == b)),
                Comparison::NotEqual => return Ok(Value::Bool(a != b)),
                _ => {}
            }
        }
        if let (Value::Int(a), Value::Int(b)) = (a, b) {
            let (left, relation, right) = match comparison {
                Comparison::Equal => (a, Relation::Equal, b),
                Comparison::NotEqual => (a, Relation::NotEqual, b),
                Comparison::Less => (a, Relation::Less, b),
                Comparison::LessOrEqual => (a, Relation::LessOrEqual, b),
                Comparison::Greater => (b, Relation::Less, a),
                Comparison::GreaterOrEqual => (b, Relation::LessOrEqual, a),
            };
            let fact = Fact {
                left: left.clone(),
                relation,
                right: right.clone(),
                message: None,
            };
            return Ok(match decide(&self.facts, &fact) {
                Some(known) => Value::Bool(known),
                None => Value::Condition(vec![fact]),
            });
        }
        let (x, y) = (self.as_real(a, span)?, self.as_real(b, span)?);
        match (x.as_number(), y.as_number()) {
            (Some(x), Some(y)) => Ok(Value::Bool(match comparison {
                Comparison::Equal => x == y,
                Comparison::NotEqual => x != y,
                Comparison::Less => x < y,
                Comparison::LessOrEqual => x <= y,
                Comparison::Greater => x > y,
                Comparison::GreaterOrEqual => x >= y,
            })),
            _ => self.fail(
                Diagnostic::error("E0115", "real numbers that depend on dims are not compared")
                    .primary(span, "known only when dims are bound")
                    .help("compare the dims themselves"),
            ),
        }
    }

    /// A function of one compile-time number.
    pub fn scalar_unary(
        &mut self,
        function: UnaryFunction,
        value: &Value,
        span: Span,
    ) -> Eval<Value> {
        use UnaryFunction::*;
        if let Value::Int(dim) = value {
            let zero = Dim::from(0);
            match function {
                Negate => {
                    return self
                        .dim(DimOperation::Subtract, &zero, dim, span)
                        .map(Value::Int);
                }
                Absolute => {
                    let negated = self.dim(DimOperation::Subtract, &zero, dim, span)?;
                    return self
                        .dim(DimOperation::Maximum, dim, &negated, span)
                        .map(Value::Int);
                }
                Floor | Ceil | Round => return Ok(value.clone()),
                _ => {}
            }
        }
        if function == Not {
            return match value {
                Value::Bool(value) => Ok(Value::Bool(!value)),
                Value::Condition(facts) if facts.len() == 1 => {
                    Ok(Value::Condition(facts.iter().map(dims::negated).collect()))
                }
                other => {
                    let found = other.describe();
                    self.fail(
                        Diagnostic::error("E0118", "`not` takes a truth value")
                            .primary(span, format!("this is {found}")),
                    )
                }
            };
        }
        let real = self.as_real(value, span)?;
        self.real(Real::unary(function, real), span)
    }

    /// A compile-time value as a scalar of an element type.
    pub fn scalar_at(&mut self, value: &Value, dtype: DType, span: Span) -> Eval<Operand> {
        match value {
            Value::Int(dim) if dtype != DType::Bool => match dim.as_constant() {
                Some(number) => {
                    self.check_integer(number, dtype, span)?;
                    self.emit_scalar(dtype, Number::Int(number.into()), span)
                }
                None => {
                    let dim = dim.clone();
                    let op = Op::Extent { dim, dtype };
                    self.emit_leaf(op, TensorType::scalar(dtype), span)
                }
            },
            Value::Real(real) if dtype.is_float() => self.real_at(real, dtype, span),
            Value::Bool(known) if dtype == DType::Bool => {
                self.emit_scalar(dtype, Number::Bool(*known), span)
            }
            Value::Counter(counter) => {
                let operand = counter.operand.clone();
                if dtype == DType::I64 {
                    return Ok(operand);
                }
                self.emit(Op::Cast { dtype }, &[&operand], span)
            }
            Value::Poison => Err(self.poison()),
            Value::Int(_) | Value::Real(_) | Value::Bool(_) => {
                let found = value.describe();
                self.fail(
                    Diagnostic::error("E0116", format!("{found} is not a value of type `{dtype}`"))
                        .primary(span, format!("`{dtype}` is wanted here"))
                        .help("a literal takes the element type of the tensor that it meets"),
                )
            }
            other => {
                let found = other.describe();
                self.fail(
                    Diagnostic::error("E0119", format!("a tensor of `{dtype}` is wanted here"))
                        .primary(span, format!("this is {found}")),
                )
            }
        }
    }

    fn check_integer(&mut self, number: i64, dtype: DType, span: Span) -> Eval<()> {
        let fits = match dtype.integer_range() {
            Some((low, high)) => (low..=high).contains(&i128::from(number)),
            None => dtype.round(Number::Int(number.into())).to_f64().is_finite(),
        };
        if fits {
            return Ok(());
        }
        let range = match dtype.integer_range() {
            Some((low, high)) => format!("`{dtype}` goes from {low} to {high}"),
            None => format!("it is beyond the greatest `{dtype}`"),
        };
        self.fail(
            Diagnostic::error(
                "E0116",
                format!("{number} is out of the range of `{dtype}`"),
            )
            .primary(span, range),
        )
    }

    fn real_at(&mut self, real: &Real, dtype: DType, span: Span) -> Eval<Operand> {
        self.deeper(span, |own| match real.node() {
            RealNode::Number(value) => {
                let rounded = dtype.round(Number::Float(*value)).to_f64();
                if value.is_finite() && !rounded.is_finite() {
                    return own.fail(
                        Diagnostic::error(
                            "E0116",
                            format!("{value:?} is out of the range of `{dtype}`"),
                        )
                        .primary(span, format!("it is beyond the greatest `{dtype}`")),
                    );
                }
                own.emit_scalar(dtype, Number::Float(*value), span)
            }
            RealNode::Extent(dim) => {
                let dim = dim.clone();
                own.emit_leaf(Op::Extent { dim, dtype }, TensorType::scalar(dtype), span)
            }
            RealNode::Unary(function, a) => {
                let a = own.real_at(a, dtype, span)?;
                own.emit(Op::unary(*function), &[&a], span)
            }
            RealNode::Binary(function, a, b) => {
                let (a, b) = (own.real_at(a, dtype, span)?, own.real_at(b, dtype, span)?);
                own.emit(Op::binary(*function), &[&a, &b], span)
            }
        })
    }

    /// A compile-time number as the attribute of an op.
    pub fn constant_at(&mut self, value: &Value, dtype: DType, span: Span) -> Eval<Constant> {
        let number = match value {
            Value::Int(dim) if dim.as_constant().is_some() && dtype != DType::Bool => {
                let number = dim.as_constant().unwrap_or(0);
                self.check_integer(number, dtype, span)?;
                Number::Int(number.into())
            }
            Value::Bool(known) if dtype == DType::Bool => Number::Bool(*known),
            other if dtype.is_float() => Number::Float(self.as_number(other, span)?),
            other => {
                let found = other.describe();
                return self.fail(
                    Diagnostic::error("E0116", format!("{found} is not a value of type `{dtype}`"))
                        .primary(span, format!("`{dtype}` is wanted here")),
                );
            }
        };
        Ok(Constant::scalar(dtype, number))
    }
}
