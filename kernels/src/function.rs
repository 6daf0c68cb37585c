//! Scalar functions spelt out in what every target has.
//!
//! [`expand`] rewrites a body so that only these ops remain, on f32, f64, i32, u32, i64, u64 and
//! bool alone:
//!
//! | ops | types |
//! | --- | --- |
//! | `Input`, `Literal` | any |
//! | `Extent`, `Index` | i64 |
//! | `Negate`, `Absolute`, `Sqrt`, `Divide` | floats |
//! | `Floor`, `Ceil`, `Round` | floats, with [`Capabilities::rounding`] |
//! | `MultiplyAdd` | floats, with [`Capabilities::fused`] |
//! | `Add`, `Subtract`, `Multiply` | floats and integers |
//! | `Divide` | integers; the divisor is not 0, and not -1 where the dividend is the least |
//! | `Compare` | floats and integers |
//! | `And`, `Or`, `Xor`, `Not` | integers and bool |
//! | `ShiftLeft`, `ShiftRight` | integers, by less than their width |
//! | `Select` | floats and integers |
//! | `Bitcast` | types of one width, bool excepted |
//! | `Cast` | between f32, f64, i32, u32, i64 and u64; narrower integers from and to i32; f16 and bf16 from and to f32 with [`Capabilities::half`] |
//!
//! Arithmetic of narrower types is done in f32 or i32 and converted after every node. A float
//! becomes an integer by truncation, saturating, NaN becoming 0, an integer another by wrapping.
//! There is no `Maximum` or `Minimum`: `Select(Compare(Greater, a, b), a, b)` is x86's `max a, b`
//! with NaN and zeros as that has them, `Less` its `min`. Of two zeros, the extreme may be either.
//!
//! Accuracy: exp, log, tanh, erf, sin, cos and power are within 2 units in the last place in f32
//! and 4 in f64; sin and cos of f64 beyond 2^30 in magnitude lose digits as the argument grows.

mod cast;
mod division;
mod erf;
mod exp;
mod extreme;
mod log;
mod minifloat;
mod multiply_add;
mod power;
mod random;
mod rounding;
mod sin_cos;
mod tanh;
mod writer;

use eyas_ir::{BinaryFunction, Body, Comparison, ScalarId, ScalarOp, UnaryFunction};
use eyas_tensor::DType;

pub use random::random;
use writer::Writer;

/// What a target has beside the ops that all have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Floor, ceil and round of f32 and f64.
    pub rounding: bool,
    /// Multiply-adds of f32 and f64 that round once.
    pub fused: bool,
    /// Casts between f32 and f16 or bf16.
    pub half: bool,
}

impl Capabilities {
    /// All of them.
    pub const ALL: Capabilities = Capabilities {
        rounding: true,
        fused: true,
        half: true,
    };
    /// None of them.
    pub const NONE: Capabilities = Capabilities {
        rounding: false,
        fused: false,
        half: false,
    };
}

/// The body in ops that the target has; inputs and outputs keep their types.
pub fn expand(body: &Body, available: Capabilities) -> Body {
    let mut w = Writer::new(available);
    let inputs: Vec<ScalarId> = body.inputs.iter().map(|&dtype| w.input(dtype)).collect();
    let mut places: Vec<ScalarId> = Vec::with_capacity(body.nodes.len());
    for node in &body.nodes {
        let place = match node.op {
            ScalarOp::Input(n) => inputs[n as usize],
            ref op => {
                let op = op.map_operands(|id| places[id.0 as usize]);
                w.lower(&op, node.dtype)
            }
        };
        places.push(place);
    }
    let outputs: Vec<ScalarId> = body
        .outputs
        .iter()
        .map(|id| places[id.0 as usize])
        .collect();
    w.finish(&outputs)
}

/// The type that arithmetic of a type is done in.
fn working(dtype: DType) -> DType {
    use DType::*;
    match dtype {
        F16 | BF16 | F8E4M3 | F8E5M2 => F32,
        I16 | I8 | I4 | U16 | U8 | U4 => I32,
        F64 | F32 | I64 | I32 | U64 | U32 | Bool => dtype,
    }
}

impl Writer {
    /// A node over operands that are lowered.
    fn lower(&mut self, op: &ScalarOp, dtype: DType) -> ScalarId {
        match op {
            ScalarOp::Input(_) => self.push(op.clone(), dtype),
            ScalarOp::Literal(constant) => match constant.splat() {
                Some(value) => self.literal(dtype, value),
                None => self.push(op.clone(), dtype),
            },
            ScalarOp::Extent(_) | ScalarOp::Index(_) => {
                let place = self.push(op.clone(), DType::I64);
                self.convert(place, dtype)
            }
            ScalarOp::Cast(a) => self.convert(*a, dtype),
            ScalarOp::Bitcast(a) => self.reinterpret(*a, dtype),
            ScalarOp::Compare(comparison, a, b) => self.comparison(*comparison, *a, *b),
            ScalarOp::Select(condition, a, b) if dtype == DType::Bool => {
                let (a, not) = (self.and(*condition, *a), self.not(*condition));
                let b = self.and(not, *b);
                self.or(a, b)
            }
            _ => {
                let wide = working(dtype);
                let op = match op {
                    ScalarOp::Select(condition, a, b) => {
                        let (a, b) = (self.convert(*a, wide), self.convert(*b, wide));
                        ScalarOp::Select(*condition, a, b)
                    }
                    other => {
                        let mut wider = |id| self.convert(id, wide);
                        other.map_operands(&mut wider)
                    }
                };
                let result = self.arithmetic(&op, wide, dtype);
                self.convert(result, dtype)
            }
        }
    }

    /// A node of a type that arithmetic is done in; `narrow` is the type it stands for.
    fn arithmetic(&mut self, op: &ScalarOp, dtype: DType, narrow: DType) -> ScalarId {
        match *op {
            ScalarOp::Unary(function, a) if dtype.is_float() => self.unary_float(function, a),
            ScalarOp::Unary(function, a) => self.unary_integer(function, a),
            ScalarOp::Binary(function, a, b) if dtype.is_float() => {
                self.binary_float(function, a, b)
            }
            ScalarOp::Binary(function, a, b) if dtype != DType::Bool => {
                self.binary_integer(function, a, b, narrow)
            }
            ScalarOp::MultiplyAdd(a, b, c) if dtype.is_float() => self.fused(a, b, c),
            ScalarOp::MultiplyAdd(a, b, c) => {
                let product = self.multiply(a, b);
                self.add(product, c)
            }
            ScalarOp::ShiftLeft(a, by) => {
                let beyond = by as usize >= narrow.bits();
                if beyond {
                    self.integer(dtype, 0)
                } else {
                    self.shift_left(a, by)
                }
            }
            ScalarOp::ShiftRight(a, by) => {
                let most = narrow.bits() as u32 - 1;
                if by > most && !narrow.is_signed() {
                    self.integer(dtype, 0)
                } else {
                    self.shift_right(a, by.min(most))
                }
            }
            ref other => self.push(other.clone(), dtype),
        }
    }

    fn unary_float(&mut self, function: UnaryFunction, a: ScalarId) -> ScalarId {
        match function {
            UnaryFunction::Negate | UnaryFunction::Absolute | UnaryFunction::Sqrt => {
                self.unary(function, a)
            }
            UnaryFunction::Sign => self.sign(a),
            UnaryFunction::Floor | UnaryFunction::Ceil | UnaryFunction::Round => {
                self.rounded(function, a)
            }
            UnaryFunction::Rsqrt => {
                let (one, root) = (self.one(a), self.sqrt(a));
                self.divide(one, root)
            }
            UnaryFunction::Reciprocal => {
                let one = self.one(a);
                self.divide(one, a)
            }
            UnaryFunction::Exp => self.exp(a),
            UnaryFunction::Log => self.log(a),
            UnaryFunction::Sin => self.sin_cos(a, false),
            UnaryFunction::Cos => self.sin_cos(a, true),
            UnaryFunction::Tanh => self.tanh(a),
            UnaryFunction::Erf => self.erf(a),
            // Of floats there is none, and inference refuses it.
            UnaryFunction::Not => a,
        }
    }

    fn unary_integer(&mut self, function: UnaryFunction, a: ScalarId) -> ScalarId {
        let dtype = self.dtype(a);
        match function {
            UnaryFunction::Not => self.not(a),
            UnaryFunction::Negate if dtype != DType::Bool => self.opposite(a),
            UnaryFunction::Absolute if dtype.is_signed() => {
                let (zero, opposite) = (self.integer(dtype, 0), self.opposite(a));
                let below = self.less(a, zero);
                self.select(below, opposite, a)
            }
            UnaryFunction::Sign if dtype != DType::Bool => self.sign(a),
            // Inference refuses the rest for integers.
            _ => a,
        }
    }

    /// `0 - a` of an integer.
    fn opposite(&mut self, a: ScalarId) -> ScalarId {
        let dtype = self.dtype(a);
        let zero = self.integer(dtype, 0);
        self.subtract(zero, a)
    }

    fn binary_float(&mut self, function: BinaryFunction, a: ScalarId, b: ScalarId) -> ScalarId {
        match function {
            BinaryFunction::FloorDivide => self.floor_quotient(a, b),
            BinaryFunction::Remainder => self.float_remainder(a, b),
            BinaryFunction::Power => self.power(a, b),
            BinaryFunction::Maximum => self.extreme(Comparison::Greater, a, b),
            BinaryFunction::Minimum => self.extreme(Comparison::Less, a, b),
            other => self.binary(other, a, b),
        }
    }

    fn binary_integer(
        &mut self,
        function: BinaryFunction,
        a: ScalarId,
        b: ScalarId,
        narrow: DType,
    ) -> ScalarId {
        match function {
            BinaryFunction::Divide => self.integer_quotient(a, b),
            BinaryFunction::FloorDivide => self.integer_floor_quotient(a, b),
            BinaryFunction::Remainder => self.integer_remainder(a, b),
            BinaryFunction::Power => self.integer_power(a, b, narrow),
            BinaryFunction::Maximum => self.extreme(Comparison::Greater, a, b),
            BinaryFunction::Minimum => self.extreme(Comparison::Less, a, b),
            other => self.binary(other, a, b),
        }
    }

    fn comparison(&mut self, comparison: Comparison, a: ScalarId, b: ScalarId) -> ScalarId {
        let dtype = self.dtype(a);
        if dtype != DType::Bool {
            let wide = working(dtype);
            let (a, b) = (self.convert(a, wide), self.convert(b, wide));
            return self.compare(comparison, a, b);
        }
        let (not_a, not_b) = (self.not(a), self.not(b));
        match comparison {
            Comparison::Equal => self.xor(a, not_b),
            Comparison::NotEqual => self.xor(a, b),
            Comparison::Less => self.and(not_a, b),
            Comparison::LessOrEqual => self.or(not_a, b),
            Comparison::Greater => self.and(a, not_b),
            Comparison::GreaterOrEqual => self.or(a, not_b),
        }
    }
}
