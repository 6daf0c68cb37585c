use std::collections::BTreeMap;

use eyas_ir::{BinaryFunction, Composite, Op, TensorType, UnaryFunction};
use eyas_tensor::Dim;
use serde::{Deserialize, Serialize};

use crate::term::TermOp;

/// What a symbolic extent is taken as.
pub const NOMINAL_EXTENT: i64 = 128;

/// A roofline: what time things take on a target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CostTable {
    /// Floating-point operations a second in a contraction.
    pub flops_per_s: f64,
    /// Operations a second element by element.
    pub elements_per_s: f64,
    /// Bytes moved a second.
    pub bytes_per_s: f64,
    /// Seconds to start a kernel.
    pub launch_s: f64,
}

impl CostTable {
    /// x86-64 without vectors that the code generator uses.
    pub const PORTABLE: CostTable = CostTable {
        flops_per_s: 8e9,
        elements_per_s: 2e9,
        bytes_per_s: 1.0e10,
        launch_s: 2e-7,
    };
    /// One core with AVX2.
    pub const V3: CostTable = CostTable {
        flops_per_s: 8e10,
        elements_per_s: 1.2e10,
        bytes_per_s: 1.2e10,
        launch_s: 2e-7,
    };
    /// One core with AVX-512.
    pub const V4: CostTable = CostTable {
        flops_per_s: 1.6e11,
        elements_per_s: 2.4e10,
        bytes_per_s: 1.4e10,
        launch_s: 2e-7,
    };
    /// A GPU of a data centre, its matrix units aside.
    pub const CUDA: CostTable = CostTable {
        flops_per_s: 4e13,
        elements_per_s: 1e13,
        bytes_per_s: 2.5e12,
        launch_s: 2e-6,
    };
}

impl Default for CostTable {
    fn default() -> CostTable {
        CostTable::V4
    }
}

/// The least cost of a node, so that a choice of nodes is never for free.
const LEAST: f64 = 1e-12;

/// The share of a launch that an op takes which the schedule joins to its neighbours.
const FUSED: f64 = 0.2;

/// What is computed when weights are bound counts a millionth.
const AT_BINDING: f64 = 1e-6;

/// What happens in a kernel.
struct Work {
    flops: f64,
    operations: f64,
    bytes: f64,
    launches: f64,
}

impl CostTable {
    /// The modelled seconds of a node.
    pub(crate) fn term(
        &self,
        op: &TermOp,
        operands: &[&TensorType],
        results: &[TensorType],
        fixed: bool,
    ) -> f64 {
        let TermOp::Op(op, _) = op else {
            return LEAST;
        };
        let Some(result) = results.first() else {
            return LEAST;
        };
        let work = work(op, operands, result);
        let compute = work.flops / self.flops_per_s + work.operations / self.elements_per_s;
        let time = compute.max(work.bytes / self.bytes_per_s) + work.launches * self.launch_s;
        LEAST + if fixed { time * AT_BINDING } else { time }
    }
}

fn elements(ty: &TensorType) -> f64 {
    let nominal = |dim: &Dim| dim.evaluate(&|_| Some(NOMINAL_EXTENT)).unwrap_or(1).max(0);
    ty.shape.iter().map(|dim| nominal(dim) as f64).product()
}

fn bytes(ty: &TensorType) -> f64 {
    elements(ty) * ty.dtype.bits() as f64 / 8.0
}

fn work(op: &Op, operands: &[&TensorType], result: &TensorType) -> Work {
    let count = elements(result);
    let read: f64 = operands.iter().map(|ty| bytes(ty)).sum();
    let moved = read + bytes(result);
    let kernel = |flops, operations, bytes| Work {
        flops,
        operations,
        bytes,
        launches: 1.0,
    };
    match op {
        Op::Input { .. } | Op::Parameter { .. } | Op::State { .. } | Op::Constant { .. } => {
            nothing()
        }
        Op::Extent { .. } => nothing(),
        Op::Unary { .. } | Op::Binary { .. } | Op::Compare { .. } | Op::Select => Work {
            launches: FUSED,
            ..kernel(0.0, count * weight(op), moved)
        },
        Op::Cast { .. } => Work {
            launches: FUSED,
            ..kernel(0.0, count, moved)
        },
        Op::Composite { composite } => {
            let count = operands.first().map_or(count, |ty| elements(ty));
            let launches = if composite.is_elementwise() {
                FUSED
            } else {
                1.0
            };
            Work {
                launches,
                ..kernel(0.0, count * composite_weight(composite), moved)
            }
        }
        // A view: nothing moves where its user reads through it.
        Op::Reshape { .. } | Op::Broadcast { .. } => Work {
            launches: 0.05,
            ..nothing()
        },
        Op::Transpose { .. } | Op::Slice { .. } => Work {
            launches: FUSED,
            ..kernel(0.0, 0.0, bytes(result))
        },
        Op::Pad { .. } | Op::Concat { .. } => kernel(0.0, 0.0, moved),
        Op::Iota { .. } | Op::Random { .. } => kernel(0.0, count, moved),
        Op::Gather { .. } => kernel(0.0, count, 2.0 * bytes(result)),
        Op::Scatter { .. } => kernel(0.0, 0.0, moved),
        Op::Reduce { .. } | Op::ArgReduce { .. } => {
            kernel(0.0, operands.first().map_or(0.0, |ty| elements(ty)), moved)
        }
        Op::Contraction { spec, epilogue, .. } => {
            let mut extents: BTreeMap<char, f64> = BTreeMap::new();
            for (letters, ty) in [&spec.left, &spec.right].into_iter().zip(operands) {
                for (letter, dim) in letters.iter().zip(&ty.shape) {
                    let extent = elements(&TensorType::new(ty.dtype, [dim.clone()]));
                    extents.insert(*letter, extent);
                }
            }
            let after = epilogue.as_ref().map_or(0, |body| body.nodes.len());
            let products: f64 = extents.values().product();
            // The epilogue works on registers while the next tile loads.
            kernel(2.0 * products, 0.25 * count * after as f64, moved)
        }
        Op::Loop { .. } | Op::If { .. } => kernel(0.0, 0.0, moved),
    }
}

fn nothing() -> Work {
    Work {
        flops: 0.0,
        operations: 0.0,
        bytes: 0.0,
        launches: 0.0,
    }
}

/// Operations that an element takes.
fn weight(op: &Op) -> f64 {
    match op {
        Op::Unary { function } => match function {
            UnaryFunction::Negate | UnaryFunction::Absolute | UnaryFunction::Not => 1.0,
            UnaryFunction::Sign | UnaryFunction::Floor | UnaryFunction::Ceil => 1.0,
            UnaryFunction::Round => 1.0,
            UnaryFunction::Sqrt | UnaryFunction::Reciprocal => 6.0,
            UnaryFunction::Rsqrt => 8.0,
            UnaryFunction::Exp => 12.0,
            UnaryFunction::Log | UnaryFunction::Tanh => 16.0,
            UnaryFunction::Sin | UnaryFunction::Cos | UnaryFunction::Erf => 20.0,
        },
        Op::Binary { function } => match function {
            BinaryFunction::Divide | BinaryFunction::FloorDivide => 6.0,
            BinaryFunction::Remainder => 8.0,
            BinaryFunction::Power => 30.0,
            _ => 1.0,
        },
        _ => 1.0,
    }
}

fn composite_weight(composite: &Composite) -> f64 {
    match composite {
        Composite::Relu | Composite::Mean { .. } => 1.0,
        Composite::Sigmoid | Composite::Silu => 16.0,
        Composite::Gelu => 22.0,
        Composite::Softmax { .. } | Composite::LogSoftmax { .. } => 16.0,
        Composite::CrossEntropy => 16.0,
        Composite::LayerNorm { .. } | Composite::RmsNorm { .. } => 6.0,
        Composite::NegativeLogLikelihood => 1.0,
    }
}
