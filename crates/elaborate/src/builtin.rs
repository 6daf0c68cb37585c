//! The functions that are built in.
//!
//! # Element types
//! - An operation on tensors takes operands of one element type; nothing is converted unasked.
//!   `cast(x, f16)` converts.
//! - A literal, a constant or a dim takes the element type of the tensor that it meets. A number
//!   with a point does not become an integer, an integer out of the type's range is an error, and
//!   so is a real number beyond the greatest of its type.
//! - `/` is true division, which integers lack; `//` rounds down. Comparisons give `bool`.
//! - Of integers, `and`, `or` and `not` work bit by bit; of `bool`, they are logical.
//! - `sum`, `prod`, `max`, `min` keep the element type; `argmax` and `argmin` give `i64`;
//!   `arange` and `iota` give `i64` unless told another; `one_hot` gives `f32` unless told another.
//! - A contraction of integers narrower than 32 bits gives `i32`.
//! - A comparison with NaN is false, but for `!=`.
//!
//! # Masks
//! `masked(x, mask)` puts the least finite number of the element type where the mask is false, so
//! that a softmax gives 0 there, and no NaN where all of a row is masked (it is uniform then).

mod elementwise;
mod indexing;
mod layout;
mod loss;
mod random;
mod reduction;

pub(crate) use reduction::wants_elements;

use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{BinaryFunction, Combine, Composite, Extreme, Reduction, UnaryFunction};
use eyas_syntax::ast::Call;

use crate::call::{Given, arguments};
use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::names::suggest;
use crate::value::Value;

/// A function: its name, what it takes and what it does.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub name: &'static str,
    /// The names of its arguments, those that must be given first.
    formals: &'static [&'static str],
    /// How many of them must be given.
    required: usize,
    /// How many may be given by position; where `None`, all, and not more.
    positional: Option<usize>,
    function: Function,
}

/// What a built-in function does.
#[derive(Debug, Clone, PartialEq)]
enum Function {
    Unary(UnaryFunction),
    Composite(Composite),
    Binary(BinaryFunction),
    /// A reduction over axes, or of two tensors element by element.
    Extreme(Reduction, BinaryFunction),
    Reduce(Reduction),
    Mean,
    Variance,
    ArgReduce(Extreme),
    Softmax {
        logarithm: bool,
    },
    LayerNorm,
    RmsNorm,
    Cast,
    Clamp,
    Select,
    Masked,
    MatrixMultiply,
    Reshape,
    Flatten,
    Transpose,
    Broadcast,
    Concat,
    Split,
    Stack,
    Pad,
    Extent,
    Gather,
    Scatter(Combine),
    Iota,
    OneHot,
    Dropout,
    Uniform,
    CrossEntropy,
    NegativeLogLikelihood,
    Accuracy,
    Norm {
        squared: bool,
    },
    /// Known, but not yet there.
    Later,
}

const fn builtin(
    name: &'static str,
    formals: &'static [&'static str],
    required: usize,
    function: Function,
) -> Builtin {
    Builtin {
        name,
        formals,
        required,
        positional: None,
        function,
    }
}

/// A function whose further positional arguments are a list.
const fn listing(
    name: &'static str,
    formals: &'static [&'static str],
    positional: usize,
    function: Function,
) -> Builtin {
    Builtin {
        name,
        formals,
        required: positional,
        positional: Some(positional),
        function,
    }
}

static BUILTINS: &[Builtin] = &[
    builtin("relu", &["x"], 1, Function::Composite(Composite::Relu)),
    builtin("gelu", &["x"], 1, Function::Composite(Composite::Gelu)),
    builtin("silu", &["x"], 1, Function::Composite(Composite::Silu)),
    builtin(
        "sigmoid",
        &["x"],
        1,
        Function::Composite(Composite::Sigmoid),
    ),
    builtin("tanh", &["x"], 1, Function::Unary(UnaryFunction::Tanh)),
    builtin("exp", &["x"], 1, Function::Unary(UnaryFunction::Exp)),
    builtin("log", &["x"], 1, Function::Unary(UnaryFunction::Log)),
    builtin("sqrt", &["x"], 1, Function::Unary(UnaryFunction::Sqrt)),
    builtin("rsqrt", &["x"], 1, Function::Unary(UnaryFunction::Rsqrt)),
    builtin("abs", &["x"], 1, Function::Unary(UnaryFunction::Absolute)),
    builtin("sign", &["x"], 1, Function::Unary(UnaryFunction::Sign)),
    builtin("floor", &["x"], 1, Function::Unary(UnaryFunction::Floor)),
    builtin("ceil", &["x"], 1, Function::Unary(UnaryFunction::Ceil)),
    builtin("round", &["x"], 1, Function::Unary(UnaryFunction::Round)),
    builtin("sin", &["x"], 1, Function::Unary(UnaryFunction::Sin)),
    builtin("cos", &["x"], 1, Function::Unary(UnaryFunction::Cos)),
    builtin("erf", &["x"], 1, Function::Unary(UnaryFunction::Erf)),
    builtin(
        "reciprocal",
        &["x"],
        1,
        Function::Unary(UnaryFunction::Reciprocal),
    ),
    builtin(
        "pow",
        &["x", "y"],
        2,
        Function::Binary(BinaryFunction::Power),
    ),
    builtin(
        "maximum",
        &["x", "y"],
        2,
        Function::Binary(BinaryFunction::Maximum),
    ),
    builtin(
        "minimum",
        &["x", "y"],
        2,
        Function::Binary(BinaryFunction::Minimum),
    ),
    builtin("xor", &["x", "y"], 2, Function::Binary(BinaryFunction::Xor)),
    builtin(
        "max",
        &["x", "axis", "keep"],
        1,
        Function::Extreme(Reduction::Maximum, BinaryFunction::Maximum),
    ),
    builtin(
        "min",
        &["x", "axis", "keep"],
        1,
        Function::Extreme(Reduction::Minimum, BinaryFunction::Minimum),
    ),
    builtin(
        "sum",
        &["x", "axis", "keep"],
        1,
        Function::Reduce(Reduction::Sum),
    ),
    builtin(
        "prod",
        &["x", "axis", "keep"],
        1,
        Function::Reduce(Reduction::Product),
    ),
    builtin("mean", &["x", "axis", "keep"], 1, Function::Mean),
    builtin("var", &["x", "axis", "keep"], 1, Function::Variance),
    builtin(
        "argmax",
        &["x", "axis", "keep"],
        1,
        Function::ArgReduce(Extreme::Maximum),
    ),
    builtin(
        "argmin",
        &["x", "axis", "keep"],
        1,
        Function::ArgReduce(Extreme::Minimum),
    ),
    builtin(
        "softmax",
        &["x", "axis"],
        1,
        Function::Softmax { logarithm: false },
    ),
    builtin(
        "log_softmax",
        &["x", "axis"],
        1,
        Function::Softmax { logarithm: true },
    ),
    builtin(
        "layer_norm",
        &["x", "scale", "bias", "eps"],
        3,
        Function::LayerNorm,
    ),
    builtin("rms_norm", &["x", "scale", "eps"], 2, Function::RmsNorm),
    builtin("cast", &["x", "dtype"], 2, Function::Cast),
    builtin("clamp", &["x", "low", "high"], 3, Function::Clamp),
    builtin("select", &["condition", "a", "b"], 3, Function::Select),
    builtin("where", &["condition", "a", "b"], 3, Function::Select),
    builtin("masked", &["x", "mask", "value"], 2, Function::Masked),
    builtin("matmul", &["a", "b"], 2, Function::MatrixMultiply),
    listing("reshape", &["x"], 1, Function::Reshape),
    builtin("flatten", &["x", "axis"], 1, Function::Flatten),
    listing("transpose", &["x"], 1, Function::Transpose),
    listing("broadcast", &["x"], 1, Function::Broadcast),
    listing("expand", &["x"], 1, Function::Broadcast),
    listing("concat", &["axis"], 0, Function::Concat),
    builtin("split", &["x", "parts", "axis"], 2, Function::Split),
    listing("stack", &["axis"], 0, Function::Stack),
    builtin(
        "pad",
        &["x", "low", "high", "axis", "value"],
        3,
        Function::Pad,
    ),
    builtin("extent", &["x", "axis"], 2, Function::Extent),
    builtin("gather", &["x", "indices", "axis"], 2, Function::Gather),
    builtin(
        "scatter",
        &["x", "indices", "updates", "axis"],
        3,
        Function::Scatter(Combine::Replace),
    ),
    builtin(
        "scatter_add",
        &["x", "indices", "updates", "axis"],
        3,
        Function::Scatter(Combine::Add),
    ),
    builtin(
        "scatter_max",
        &["x", "indices", "updates", "axis"],
        3,
        Function::Scatter(Combine::Maximum),
    ),
    builtin(
        "scatter_min",
        &["x", "indices", "updates", "axis"],
        3,
        Function::Scatter(Combine::Minimum),
    ),
    builtin(
        "arange",
        &["start", "end", "step", "dtype"],
        1,
        Function::Iota,
    ),
    builtin(
        "iota",
        &["start", "end", "step", "dtype"],
        1,
        Function::Iota,
    ),
    builtin("one_hot", &["x", "count", "dtype"], 2, Function::OneHot),
    builtin("dropout", &["x", "p"], 2, Function::Dropout),
    listing("uniform", &[], 0, Function::Uniform),
    listing("random", &[], 0, Function::Uniform),
    builtin(
        "cross_entropy",
        &["logits", "label", "reduce"],
        2,
        Function::CrossEntropy,
    ),
    builtin(
        "nll",
        &["probability", "label", "reduce"],
        2,
        Function::NegativeLogLikelihood,
    ),
    builtin("accuracy", &["output", "label"], 2, Function::Accuracy),
    listing("l1", &[], 0, Function::Norm { squared: false }),
    listing("l2", &[], 0, Function::Norm { squared: true }),
    listing("conv1d", &[], 0, Function::Later),
    listing("conv2d", &[], 0, Function::Later),
    listing("conv3d", &[], 0, Function::Later),
    listing("max_pool", &[], 0, Function::Later),
    listing("avg_pool", &[], 0, Function::Later),
    listing("batch_norm", &[], 0, Function::Later),
    listing("cumsum", &[], 0, Function::Later),
    listing("sort", &[], 0, Function::Later),
    listing("top_k", &[], 0, Function::Later),
];

/// The function of a name.
pub(crate) fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|function| function.name == name)
}

/// The names of all functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|function| function.name)
}

/// The arguments of a function, in the order of its formals.
struct Arguments {
    named: Vec<Option<Placed>>,
    /// Positional arguments beyond the formals.
    list: Vec<Placed>,
    /// The whole call.
    span: Span,
}

impl Arguments {
    fn get(&self, place: usize) -> Option<&Placed> {
        self.named.get(place).and_then(Option::as_ref)
    }

    /// An argument that the matching of arguments has seen to be there.
    fn required(&self, place: usize) -> Placed {
        let none = || (Value::Poison, self.span);
        self.get(place).cloned().unwrap_or_else(none)
    }
}

impl<'p> Elaborator<'p> {
    pub fn call_builtin(
        &mut self,
        builtin: &'static Builtin,
        call: &'p Call,
        piped: Option<Placed>,
    ) -> Eval<Value> {
        if builtin.function == Function::Later {
            return self.fail(
                Diagnostic::error("E0117", format!("`{}` is not available yet", builtin.name))
                    .primary(call.function.span, "known, but nothing computes it so far")
                    .note("the rest of the file is checked as far as it does not depend on this"),
            );
        }
        let given = self.arguments(&call.arguments, piped)?;
        let arguments = self.match_builtin(builtin, given, call.span)?;
        self.apply(&builtin.function, arguments, builtin.name)
    }

    fn apply(
        &mut self,
        function: &Function,
        arguments: Arguments,
        name: &'static str,
    ) -> Eval<Value> {
        let span = arguments.span;
        match function {
            Function::Unary(function) => self.unary(*function, arguments.required(0), span),
            Function::Composite(composite) => self.activate(composite, &arguments),
            Function::Binary(function) => self.arithmetic(
                *function,
                arguments.required(0),
                arguments.required(1),
                span,
            ),
            Function::Extreme(reduction, function) => {
                self.extreme(*reduction, *function, &arguments)
            }
            Function::Reduce(reduction) => self.reduce(*reduction, &arguments),
            Function::Mean => self.mean(&arguments),
            Function::Variance => self.variance(&arguments),
            Function::ArgReduce(extreme) => self.arg_reduce(*extreme, &arguments),
            Function::Softmax { logarithm } => self.softmax(*logarithm, &arguments),
            Function::LayerNorm => self.layer_norm(&arguments),
            Function::RmsNorm => self.rms_norm(&arguments),
            Function::Cast => self.cast_call(&arguments),
            Function::Clamp => self.clamp(&arguments),
            Function::Select => self.select(&arguments),
            Function::Masked => self.masked(&arguments),
            Function::MatrixMultiply => {
                self.matrix_multiply(arguments.required(0), arguments.required(1), span)
            }
            Function::Reshape => self.reshape_call(&arguments),
            Function::Flatten => self.flatten(&arguments),
            Function::Transpose => self.transpose_call(&arguments),
            Function::Broadcast => self.broadcast_call(&arguments),
            Function::Concat => self.concat(&arguments),
            Function::Split => self.split(&arguments),
            Function::Stack => self.stack(&arguments),
            Function::Pad => self.pad(&arguments),
            Function::Extent => self.extent_call(&arguments),
            Function::Gather => self.gather(&arguments),
            Function::Scatter(combine) => self.scatter(*combine, &arguments),
            Function::Iota => self.iota(&arguments),
            Function::OneHot => self.one_hot(&arguments),
            Function::Dropout => self.dropout(&arguments),
            Function::Uniform => self.uniform(&arguments),
            Function::CrossEntropy => self.cross_entropy(Composite::CrossEntropy, &arguments),
            Function::NegativeLogLikelihood => {
                self.cross_entropy(Composite::NegativeLogLikelihood, &arguments)
            }
            Function::Accuracy => self.accuracy(&arguments),
            Function::Norm { squared } => self.norm(*squared, &arguments, name),
            Function::Later => Err(self.poison()),
        }
    }

    fn match_builtin(
        &mut self,
        builtin: &'static Builtin,
        given: Vec<Given<'p>>,
        span: Span,
    ) -> Eval<Arguments> {
        let Some(positional) = builtin.positional else {
            let named = self.match_named(builtin.name, builtin.formals, given)?;
            self.check_required(builtin, &named, span)?;
            let list = Vec::new();
            return Ok(Arguments { named, list, span });
        };
        let mut formal = Vec::new();
        let mut list = Vec::new();
        let mut places = 0;
        for argument in given {
            if argument.name.is_some() || places < positional {
                places += usize::from(argument.name.is_none());
                formal.push(argument);
            } else {
                list.push((argument.value, argument.span));
            }
        }
        let named = self.match_named(builtin.name, builtin.formals, formal)?;
        self.check_required(builtin, &named, span)?;
        Ok(Arguments { named, list, span })
    }

    fn check_required(
        &mut self,
        builtin: &'static Builtin,
        named: &[Option<Placed>],
        span: Span,
    ) -> Eval<()> {
        let missing = (0..builtin.required).find(|place| named[*place].is_none());
        let Some(place) = missing else {
            return Ok(());
        };
        let (name, formal) = (builtin.name, builtin.formals[place]);
        self.fail(
            Diagnostic::error("E0112", format!("`{name}` is not given its `{formal}`"))
                .primary(span, format!("`{formal}` is missing"))
                .note(format!("it takes {}", builtin.formals.join(", "))),
        )
    }

    /// The argument of each formal, by position or name.
    pub fn match_named(
        &mut self,
        name: &str,
        formals: &[&'static str],
        given: Vec<Given<'p>>,
    ) -> Eval<Vec<Option<Placed>>> {
        let mut matched: Vec<Option<Placed>> = vec![None; formals.len()];
        let mut next = 0;
        for argument in given {
            let place = match argument.name {
                Some(own) => {
                    let found = formals.iter().position(|formal| *formal == own.text);
                    let Some(place) = found else {
                        let message = format!("`{name}` has no argument `{}`", own.text);
                        let diagnostic = Diagnostic::error("E0112", message)
                            .primary(own.span, "no such argument");
                        let diagnostic = match formals {
                            [] => diagnostic,
                            formals => diagnostic.note(format!("it takes {}", formals.join(", "))),
                        };
                        return self.fail(suggest(diagnostic, &own.text, formals.iter().copied()));
                    };
                    place
                }
                None => {
                    next += 1;
                    if next > formals.len() {
                        let message = format!("`{name}` takes {}", arguments(formals.len()));
                        return self.fail(
                            Diagnostic::error("E0112", message)
                                .primary(argument.span, "one too many"),
                        );
                    }
                    next - 1
                }
            };
            if let Some((_, first)) = &matched[place] {
                let first = *first;
                return self.fail(
                    Diagnostic::error("E0112", format!("`{}` is given twice", formals[place]))
                        .primary(argument.span, "given again here")
                        .secondary(first, "first given here"),
                );
            }
            matched[place] = Some((argument.value, argument.span));
        }
        Ok(matched)
    }
}
