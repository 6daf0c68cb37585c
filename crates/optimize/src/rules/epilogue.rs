use egg::Id;
use eyas_ir::{
    BinaryFunction, Body, BodyBuilder, Composite, Constant, Op, ScalarId, ScalarOp, UnaryFunction,
    scalar_body,
};
use eyas_tensor::DType;

use crate::builder::Builder;
use crate::instance::Instance;
use crate::pattern::Pattern;
use crate::rule::{Family, Matched, NUMBERS, Rule};
use crate::term::{Kind, TermOp};

use Pattern as P;

/// Nodes that an epilogue may have.
const MOST_NODES: usize = 48;

/// Operands that an epilogue may have.
const MOST_OPERANDS: usize = 6;

/// Elementwise ops after a contraction, done to each sum before it is stored.
pub(super) fn rules() -> Vec<Rule> {
    vec![
        unary(),
        binary("epilogue-binary-left", true),
        binary("epilogue-binary-right", false),
    ]
}

fn any_contraction() -> Pattern {
    P::over_anything([Kind::Contraction], "contraction", |_| true)
}

/// An epilogue in the making.
struct Epilogue {
    builder: BodyBuilder,
    /// What the contraction gives so far.
    current: ScalarId,
    /// All operands of the contraction.
    operands: Vec<Id>,
    spec: eyas_ir::Einsum,
    accumulator: DType,
}

impl Epilogue {
    /// What a contraction does to its sums, with room for one more operand of a type.
    fn of(
        matched: &Matched<'_>,
        place: usize,
        builder: &Builder<'_>,
        more: Option<DType>,
    ) -> Option<(Epilogue, Option<ScalarId>)> {
        let Op::Contraction {
            spec,
            accumulator,
            epilogue,
        } = matched.op(place)?
        else {
            return None;
        };
        let operands = matched.operands(place).to_vec();
        if operands.len() - 2 + usize::from(more.is_some()) > MOST_OPERANDS {
            return None;
        }
        let mut body = BodyBuilder::new();
        let mut inputs = vec![body.input(*accumulator)];
        for operand in &operands[2..] {
            inputs.push(body.input(builder.ty(*operand).dtype));
        }
        let more = more.map(|dtype| body.input(dtype));
        let current = match epilogue {
            Some(epilogue) if epilogue.nodes.len() > MOST_NODES => return None,
            Some(epilogue) => *body.inline(epilogue, &inputs).first()?,
            // Without an epilogue a sum is rounded to the operands' type.
            None if accumulator.is_float() => {
                let dtype = builder.ty(operands[0]).dtype;
                body.cast(inputs[0], dtype)
            }
            None => inputs[0],
        };
        let epilogue = Epilogue {
            builder: body,
            current,
            operands,
            spec: spec.clone(),
            accumulator: *accumulator,
        };
        Some((epilogue, more))
    }

    /// The contraction that gives this scalar.
    fn finish(self, result: ScalarId, builder: &mut Builder<'_>) -> Option<Id> {
        let epilogue: Body = self.builder.finish(&[result]);
        if epilogue.nodes.len() > MOST_NODES {
            return None;
        }
        let op = Op::Contraction {
            spec: self.spec,
            accumulator: self.accumulator,
            epilogue: Some(epilogue),
        };
        builder.op(op, &self.operands)
    }
}

fn instance_product(instance: &mut Instance) -> Option<eyas_ir::Value> {
    let (i, j, k) = (instance.extent(), instance.extent(), instance.extent());
    let (x, y) = (instance.input(&[i, k])?, instance.input(&[k, j])?);
    instance.contract("ab,bc->ac", x, y)
}

fn unary() -> Rule {
    Rule::new(
        "epilogue-unary",
        Family::Epilogue,
        "A function of each sum is computed before the sum is stored.",
        P::of(
            [Kind::Unary, Kind::Cast, Kind::Composite],
            "a function of one value",
            Op::is_elementwise,
            [any_contraction()],
        ),
        |matched, builder| {
            let dtype = builder.ty(*matched.operands(0).first()?).dtype;
            if builder.ty(matched.root()).dtype == DType::Bool {
                return None;
            }
            let function = scalar_body(matched.op(0)?, &[dtype])?;
            let (mut epilogue, _) = Epilogue::of(matched, 1, builder, None)?;
            let current = epilogue.current;
            let result = *epilogue.builder.inline(&function, &[current]).first()?;
            epilogue.finish(result, builder)
        },
        |instance| {
            let product = instance_product(instance)?;
            let dtype = instance.ty(product).dtype;
            match instance.draw.below(4) {
                0 => instance.composite(Composite::Relu, &[product]),
                1 if dtype == DType::F64 => instance.composite(Composite::Gelu, &[product]),
                1 if dtype.is_float() => instance.composite(Composite::Silu, &[product]),
                2 => instance.op(Op::Cast { dtype: DType::F32 }, &[product]),
                _ => {
                    let negated = instance.unary(UnaryFunction::Negate, product)?;
                    instance.unary(UnaryFunction::Absolute, negated)
                }
            }
        },
    )
    .of(&NUMBERS)
}

fn binary(name: &str, product_first: bool) -> Rule {
    let operands = match product_first {
        true => [any_contraction(), P::any(0)],
        false => [P::any(0), any_contraction()],
    };
    Rule::new(
        name,
        Family::Epilogue,
        "A function of each sum and another value, such as a bias or a residual, is computed \
         before the sum is stored.",
        P::kind(Kind::Binary, "a function of two values", operands),
        move |matched, builder| {
            let Op::Binary { function } = matched.op(0)? else {
                return None;
            };
            // Functions whose operands may be exchanged match the other way round, too.
            if !product_first && function.is_commutative() {
                return None;
            }
            let (function, other) = (*function, matched.value(0));
            let ty = builder.ty(other);
            let splat = builder.data(other).splat;
            let itself = matched.operands(0).iter().all(|id| *id == other);
            let more = (splat.is_none() && !itself).then_some(ty.dtype);
            let (mut epilogue, input) = Epilogue::of(matched, 1, builder, more)?;
            let second = match (splat, input) {
                (Some(number), _) => {
                    let literal = ScalarOp::Literal(Constant::scalar(ty.dtype, number));
                    epilogue.builder.push(literal, ty.dtype)
                }
                (None, Some(input)) => {
                    epilogue.operands.push(narrowest(builder, other));
                    input
                }
                (None, None) => epilogue.current,
            };
            let (first, second) = match product_first {
                true => (epilogue.current, second),
                false => (second, epilogue.current),
            };
            let result = epilogue.builder.binary(function, first, second);
            epilogue.finish(result, builder)
        },
        move |instance| {
            let product = instance_product(instance)?;
            let shape = instance.extents(product);
            let dtype = instance.ty(product).dtype;
            let other = match instance.draw.below(4) {
                0 => instance.input_of(dtype, &shape)?,
                1 => instance.splat(3.0, product)?,
                2 if product_first => product,
                _ => {
                    let bias = instance.input_of(dtype, &shape[1..])?;
                    instance.broadcast(bias, &shape)?
                }
            };
            let function = match product_first {
                true => *instance
                    .draw
                    .pick(&[BinaryFunction::Add, BinaryFunction::Multiply]),
                false => BinaryFunction::Subtract,
            };
            let operands = match product_first {
                true => [product, other],
                false => [other, product],
            };
            instance.op(Op::binary(function), &operands)
        },
    )
    .of(&NUMBERS)
}

/// What of a value is repeated, or the value.
fn narrowest(builder: &Builder<'_>, id: Id) -> Id {
    let nodes = builder.nodes(id).into_iter();
    let repeated = nodes.filter_map(|(op, operands)| match &*op {
        TermOp::Op(Op::Broadcast { .. }, _) => operands.first().copied(),
        _ => None,
    });
    let fewest = |id: &Id| builder.ty(*id).rank();
    repeated.min_by_key(fewest).unwrap_or(id)
}
