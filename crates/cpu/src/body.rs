use cranelift_codegen::ir::{InstBuilder, Value, types};
use eyas_ir::{BinaryFunction, Body, Scalar, ScalarId, ScalarOp};
use eyas_tensor::{DType, Number};

use crate::emitter::Emitter;
use crate::error::Fault;
use crate::form::Form;
use crate::{arithmetic, cast, fused, places, sixteen};

/// How a body is computed along an innermost axis: what is the same all along it once before, as
/// one element, and the rest several elements at a time where all of it can be.
pub(crate) struct BodyPlan<'a> {
    body: &'a Body,
    uniform: Vec<bool>,
    form: Form,
}

/// What is the same along the innermost axis.
pub(crate) struct Prepared {
    values: Vec<Option<Value>>,
}

impl<'a> BodyPlan<'a> {
    /// `inputs` says which inputs are the same along the axis, `varies` for which axes the place
    /// is not.
    pub(crate) fn new(
        body: &'a Body,
        inputs: &[bool],
        varies: &dyn Fn(usize) -> bool,
    ) -> BodyPlan<'a> {
        let mut uniform: Vec<bool> = Vec::with_capacity(body.nodes.len());
        for node in &body.nodes {
            let same = match node.op {
                ScalarOp::Input(place) => inputs[place as usize],
                ScalarOp::Index(axis) => !varies(axis as usize),
                ref op => op.operands().iter().all(|id| uniform[id.0 as usize]),
            };
            uniform.push(same);
        }
        let mut plan = BodyPlan {
            body,
            uniform,
            form: Form::Scalar,
        };
        let forms = [Form::Four, Form::Two];
        let form = forms.into_iter().find(|form| plan.fits(*form));
        plan.form = form.unwrap_or(Form::Scalar);
        plan
    }

    /// How many elements at a time it can be computed for.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Scalar operations an element, roughly.
    pub(crate) fn cost(&self) -> i64 {
        cost(self.body)
    }

    fn fits(&self, form: Form) -> bool {
        let mut nodes = self.body.nodes.iter().zip(&self.uniform);
        let outputs = self.body.outputs.iter();
        nodes.all(|(node, uniform)| *uniform || self.node_fits(form, node))
            && outputs
                .map(|id| self.body.node(*id).dtype)
                .all(|dtype| form.holds(dtype))
    }

    fn node_fits(&self, form: Form, node: &Scalar) -> bool {
        let of = |id: ScalarId| self.body.node(id).dtype;
        let held = |dtype| form.holds(dtype) || dtype == DType::Bool;
        // A place is a scalar in four lanes; what may be done with it is said below.
        if form != Form::Scalar && matches!(node.op, ScalarOp::Index(_)) {
            return true;
        }
        held(node.dtype)
            && match node.op {
                ScalarOp::Index(_) => true,
                ScalarOp::Compare(_, a, b) if form == Form::Four && of(a) == DType::I64 => {
                    self.is_place(a) && self.is_uniform(b) || self.is_uniform(a) && self.is_place(b)
                }
                ScalarOp::Cast(a) if form == Form::Four && self.is_place(a) => {
                    matches!(node.dtype, DType::F32 | DType::I32 | DType::U32)
                }
                ScalarOp::Input(_) => form.holds(node.dtype),
                ScalarOp::Unary(function, _) => arithmetic::has_unary(form, function, node.dtype),
                ScalarOp::Binary(function, ..) => {
                    arithmetic::has_binary(form, function, node.dtype)
                }
                ScalarOp::Compare(_, a, _) => held(of(a)),
                ScalarOp::Cast(a) => held(of(a)) && cast::has_vector(form, of(a), node.dtype),
                ScalarOp::MultiplyAdd(..) => !matches!(node.dtype, DType::F16 | DType::BF16),
                ScalarOp::Bitcast(a) => held(of(a)) && node.dtype != DType::Bool,
                ScalarOp::Literal(_)
                | ScalarOp::Extent(_)
                | ScalarOp::Select(..)
                | ScalarOp::ShiftLeft(..)
                | ScalarOp::ShiftRight(..) => true,
            }
    }

    fn is_uniform(&self, id: ScalarId) -> bool {
        self.uniform[id.0 as usize]
    }

    /// Whether a node is the place along the axis.
    fn is_place(&self, id: ScalarId) -> bool {
        !self.is_uniform(id) && matches!(self.body.node(id).op, ScalarOp::Index(_))
    }

    /// Computes what is the same along the axis from the inputs that are, and the places along
    /// the other axes.
    pub(crate) fn prepare(
        &self,
        e: &mut Emitter,
        inputs: &[Option<Value>],
        place: &dyn Fn(&mut Emitter, usize) -> Value,
    ) -> Result<Prepared, Fault> {
        let mut prepared = Prepared {
            values: vec![None; self.body.nodes.len()],
        };
        for (number, node) in self.body.nodes.iter().enumerate() {
            if !self.uniform[number] || matches!(node.op, ScalarOp::Literal(_)) {
                continue;
            }
            let value = match node.op {
                ScalarOp::Input(input) => inputs[input as usize].ok_or_else(missing)?,
                ScalarOp::Index(axis) => place(e, axis as usize),
                _ => {
                    let values = &prepared.values;
                    let operand =
                        |e: &mut Emitter, form, id| self.operand(e, form, id, values, &[]);
                    self.lower(e, node, Form::Scalar, &operand)?
                }
            };
            prepared.values[number] = Some(value);
        }
        Ok(prepared)
    }

    /// Computes the results for the elements from `place` on. `inputs` are those that vary.
    pub(crate) fn finish(
        &self,
        e: &mut Emitter,
        prepared: &Prepared,
        form: Form,
        inputs: &[Option<Value>],
        place: Value,
    ) -> Result<Vec<Value>, Fault> {
        let mut varying: Vec<Option<Value>> = vec![None; self.body.nodes.len()];
        for (number, node) in self.body.nodes.iter().enumerate() {
            if self.uniform[number] {
                continue;
            }
            let value = match node.op {
                ScalarOp::Input(input) => inputs[input as usize].ok_or_else(missing)?,
                ScalarOp::Index(_) => places::from(e, form, place),
                _ => {
                    let values = &varying;
                    let operand = |e: &mut Emitter, form, id| {
                        self.operand(e, form, id, &prepared.values, values)
                    };
                    self.lower(e, node, form, &operand)?
                }
            };
            varying[number] = Some(value);
        }
        let outputs = self.body.outputs.iter();
        outputs
            .map(|id| self.operand(e, form, *id, &prepared.values, &varying))
            .collect()
    }

    /// One node, its operands given by `at`.
    fn lower(
        &self,
        e: &mut Emitter,
        node: &Scalar,
        form: Form,
        at: &dyn Fn(&mut Emitter, Form, ScalarId) -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        let body = self.body;
        let of = |id: ScalarId| body.node(id).dtype;
        let dtype = node.dtype;
        let operand = |e: &mut Emitter, id| at(e, form, id);
        Ok(match node.op {
            ScalarOp::Input(_) | ScalarOp::Index(_) | ScalarOp::Literal(_) => return Err(missing()),
            ScalarOp::Extent(ref dim) => {
                let value = e.dim(dim);
                cast::cast(e, Form::Scalar, DType::I64, dtype, value)
            }
            ScalarOp::Unary(function, a) => {
                let a = operand(e, a)?;
                arithmetic::unary(e, form, function, dtype, a)?
            }
            ScalarOp::Binary(function, a, b) => {
                if let Some((value, number)) = against_number(body, function, a, b) {
                    let value = operand(e, value)?;
                    let greatest = function == BinaryFunction::Maximum;
                    return Ok(arithmetic::extreme_with(e, greatest, value, number));
                }
                let (a, b) = (operand(e, a)?, operand(e, b)?);
                arithmetic::binary(e, form, function, dtype, a, b)?
            }
            ScalarOp::Compare(comparison, a, b) if form == Form::Four && of(a) == DType::I64 => {
                let first = self.is_place(a);
                let (a, b) = (at(e, Form::Scalar, a)?, at(e, Form::Scalar, b)?);
                match first {
                    true => places::compare(e, comparison, a, b, true),
                    false => places::compare(e, comparison, b, a, false),
                }
            }
            ScalarOp::Compare(comparison, a, b) => {
                let compared = of(a);
                let (a, b) = (operand(e, a)?, operand(e, b)?);
                arithmetic::compare(e, comparison, compared, a, b)
            }
            ScalarOp::Select(condition, a, b) => {
                let condition = operand(e, condition)?;
                let (a, b) = (operand(e, a)?, operand(e, b)?);
                e.choose(condition, a, b)
            }
            ScalarOp::Cast(a) if form == Form::Four && self.is_place(a) => {
                let place = at(e, Form::Scalar, a)?;
                places::cast(e, dtype, place)
            }
            ScalarOp::Cast(a) => {
                let from = of(a);
                let a = operand(e, a)?;
                cast::cast(e, form, from, dtype, a)
            }
            ScalarOp::MultiplyAdd(a, b, c) => {
                let operands = [operand(e, a)?, operand(e, b)?, operand(e, c)?];
                fused::multiply_add(e, form, dtype, operands)
            }
            ScalarOp::Bitcast(a) => {
                let from = of(a);
                let a = operand(e, a)?;
                bitcast(e, form, from, dtype, a)
            }
            ScalarOp::ShiftLeft(a, by) => {
                let a = operand(e, a)?;
                arithmetic::shift(e, form, dtype, a, by, true)
            }
            ScalarOp::ShiftRight(a, by) => {
                let a = operand(e, a)?;
                arithmetic::shift(e, form, dtype, a, by, false)
            }
        })
    }

    fn operand(
        &self,
        e: &mut Emitter,
        form: Form,
        id: ScalarId,
        uniform: &[Option<Value>],
        varying: &[Option<Value>],
    ) -> Result<Value, Fault> {
        let node = self.body.node(id);
        let number = id.0 as usize;
        if let ScalarOp::Literal(constant) = &node.op {
            let value = constant.splat().ok_or_else(missing)?;
            return Ok(literal(e, form, node.dtype, value));
        }
        if let Some(Some(value)) = varying.get(number) {
            return Ok(*value);
        }
        let scalar = uniform.get(number).copied().flatten().ok_or_else(missing)?;
        Ok(e.splat(form, node.dtype, scalar))
    }
}

/// Scalar operations an element, roughly.
pub(crate) fn cost(body: &Body) -> i64 {
    body.nodes.len() as i64 + 1
}

fn missing() -> Fault {
    Fault::Malformed("a body reads a value that is not there".to_owned())
}

fn literal(e: &mut Emitter, form: Form, dtype: DType, value: Number) -> Value {
    let ty = form.clif(dtype);
    if dtype.is_float() {
        return e.float(ty, value.to_f64());
    }
    let bits = match (dtype, form) {
        (DType::Bool, Form::Four | Form::Two) if value.to_bool() => u64::MAX,
        _ => value.to_i128() as u64,
    };
    e.constant(ty, bits)
}

/// The operand and the number of an extreme of floats one of which is a number.
fn against_number(
    body: &Body,
    function: BinaryFunction,
    a: ScalarId,
    b: ScalarId,
) -> Option<(ScalarId, f64)> {
    use BinaryFunction::{Maximum, Minimum};
    if !matches!(function, Maximum | Minimum) || !body.node(a).dtype.is_float() {
        return None;
    }
    let number = |id: ScalarId| match &body.node(id).op {
        ScalarOp::Literal(constant) => constant.splat().map(Number::to_f64),
        _ => None,
    };
    match (number(a), number(b)) {
        (None, Some(number)) if !number.is_nan() => Some((a, number)),
        (Some(number), None) if !number.is_nan() => Some((b, number)),
        _ => None,
    }
}

/// The same bits as another type of the same width.
fn bitcast(e: &mut Emitter, form: Form, from: DType, to: DType, a: Value) -> Value {
    if from == to {
        return a;
    }
    if from.bits() > 16 {
        return e.reinterpret(form.clif(to), a);
    }
    if !from.is_float() && !to.is_float() {
        return cast::cast(e, form, from, to, a);
    }
    let bits = match (from.is_float(), form) {
        (true, _) => sixteen::encode(e, from, a),
        (false, Form::Scalar) => e.ins().uextend(types::I32, a),
        (false, _) => a,
    };
    match (to.is_float(), form) {
        (true, _) => sixteen::decode(e, to, bits),
        (false, Form::Scalar) => e.ins().ireduce(types::I16, bits),
        (false, _) => arithmetic::wrap(e, form, to, bits),
    }
}
