use std::collections::BTreeMap;

use eyas_ir::{BinaryFunction, Body, Comparison, Constant, ScalarId, ScalarOp, UnaryFunction};
use eyas_tensor::{DType, Dim, Number};

use super::vector::{Binary, Shift, Width};

/// A body as steps over vectors of 32-bit lanes. A bool is a lane of ones or zeros.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) width: Width,
    pub(super) values: Vec<Value>,
    pub(super) steps: Vec<Step>,
    pub(super) outputs: Vec<usize>,
    /// Dims that bodies read as f32, the same for every element.
    pub(super) uniforms: Vec<Dim>,
    pub(super) inputs: usize,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Computed,
    Input(usize),
    Literal(u32),
    Uniform(usize),
    /// Of a type that lanes do not hold; only conversions of constants read such.
    Foreign,
}

/// One operation.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) result: usize,
    pub(super) operation: Operation,
    pub(super) operands: Vec<usize>,
}

/// What lanes hold, as far as comparisons care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Signed,
    Unsigned,
}

/// What a [`Step`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Binary(Binary),
    /// A maximum or minimum of floats, NaN where one is.
    Extreme(Binary),
    /// `a * b + c`
    MultiplyAdd,
    Sqrt,
    /// To an integral value, by the mode of [`super::assembler::Assembler::round`].
    Round(u32),
    Compare(Comparison, Kind),
    /// `condition ? a : b`
    Select,
    /// `a <=> b ? c : d`
    SelectCompare(Comparison, Kind),
    ToFloat,
    ToFloatUnsigned,
    /// Towards zero, to the nearest that there is, NaN to 0.
    ToInteger,
    Shift(Shift, u32),
}

impl Program {
    /// The body's program; `None` where lanes of 32 bits cannot do it.
    pub(super) fn new(body: &Body, width: Width) -> Option<Program> {
        let mut builder = Builder {
            width,
            values: Vec::new(),
            steps: Vec::new(),
            literals: BTreeMap::new(),
            uniforms: Vec::new(),
            places: Vec::new(),
        };
        for place in 0..body.nodes.len() {
            let value = builder.node(body, ScalarId(place as u32))?;
            builder.places.push(value);
        }
        let outputs = body.outputs.iter();
        let outputs: Vec<usize> = outputs.map(|id| builder.places[id.0 as usize]).collect();
        let is_vector = |&output: &usize| builder.values[output] != Value::Foreign;
        if !outputs.iter().all(is_vector) {
            return None;
        }
        let mut program = Program {
            width,
            values: builder.values,
            steps: builder.steps,
            outputs,
            uniforms: builder.uniforms,
            inputs: body.inputs.len(),
        };
        program.remove_unread();
        if width == Width::Zmm {
            program.fuse_comparisons();
        }
        Some(program)
    }

    fn remove_unread(&mut self) {
        let mut read = vec![false; self.values.len()];
        for &output in &self.outputs {
            read[output] = true;
        }
        for step in self.steps.iter().rev() {
            if read[step.result] {
                for &operand in &step.operands {
                    read[operand] = true;
                }
            }
        }
        self.steps.retain(|step| read[step.result]);
    }

    /// Comparisons that only selects read go into a mask register, not into lanes.
    fn fuse_comparisons(&mut self) {
        let mut fused: BTreeMap<usize, (Operation, Vec<usize>)> = BTreeMap::new();
        for step in &self.steps {
            let readers = self
                .steps
                .iter()
                .filter(|s| s.operands.contains(&step.result));
            let only_selects = readers.into_iter().all(|reader| {
                reader.operation == Operation::Select
                    && reader.operands[0] == step.result
                    && !reader.operands[1..].contains(&step.result)
            });
            if let Operation::Compare(comparison, kind) = step.operation
                && only_selects
                && !self.outputs.contains(&step.result)
            {
                let operation = Operation::SelectCompare(comparison, kind);
                fused.insert(step.result, (operation, step.operands.clone()));
            }
        }
        self.steps.retain(|step| !fused.contains_key(&step.result));
        for step in &mut self.steps {
            if step.operation == Operation::Select
                && let Some((operation, operands)) = fused.get(&step.operands[0])
            {
                step.operation = *operation;
                step.operands = [operands, &step.operands[1..]].concat();
            }
        }
    }

    /// The literals that are read where no memory operand can be.
    pub(super) fn first_operands(&self) -> Vec<u32> {
        let mut found = Vec::new();
        for step in &self.steps {
            if let (Operation::Binary(_) | Operation::Extreme(_), Some(&first)) =
                (step.operation, step.operands.first())
                && let Value::Literal(bits) = self.values[first]
                && !found.contains(&bits)
            {
                found.push(bits);
            }
        }
        found
    }

    /// Every literal, the one that is read most first.
    pub(super) fn literals(&self) -> Vec<u32> {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for operand in self.steps.iter().flat_map(|step| &step.operands) {
            if let Value::Literal(bits) = self.values[*operand] {
                *counts.entry(bits).or_default() += 1;
            }
        }
        let mut literals: Vec<(u32, usize)> = counts.into_iter().collect();
        literals.sort_by_key(|&(bits, count)| (std::cmp::Reverse(count), bits));
        literals.into_iter().map(|(bits, _)| bits).collect()
    }
}

struct Builder {
    width: Width,
    values: Vec<Value>,
    steps: Vec<Step>,
    literals: BTreeMap<u32, usize>,
    uniforms: Vec<Dim>,
    /// The value of every node so far.
    places: Vec<usize>,
}

impl Builder {
    fn value(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.values.len() - 1
    }

    fn literal(&mut self, bits: u32) -> usize {
        if let Some(&known) = self.literals.get(&bits) {
            return known;
        }
        let value = self.value(Value::Literal(bits));
        self.literals.insert(bits, value);
        value
    }

    fn step(&mut self, operation: Operation, operands: Vec<usize>) -> Option<usize> {
        let foreign = |&value: &usize| self.values[value] == Value::Foreign;
        if operands.iter().any(foreign) {
            return None;
        }
        let result = self.value(Value::Computed);
        self.steps.push(Step {
            result,
            operation,
            operands,
        });
        Some(result)
    }

    fn node(&mut self, body: &Body, id: ScalarId) -> Option<usize> {
        let node = body.node(id);
        let place = |id: ScalarId| self.places[id.0 as usize];
        let dtype_of = |id: ScalarId| body.node(id).dtype;
        match node.op {
            ScalarOp::Input(input) => {
                if !is_lane(node.dtype) {
                    return None;
                }
                Some(self.value(Value::Input(input as usize)))
            }
            ScalarOp::Literal(ref constant) => Some(match lane_bits(node.dtype, constant) {
                Some(bits) => self.literal(bits),
                None => self.value(Value::Foreign),
            }),
            ScalarOp::Extent(_) => Some(self.value(Value::Foreign)),
            ScalarOp::Index(_) => None,
            _ if !is_lane(node.dtype) => None,
            ScalarOp::Unary(function, a) => {
                let a = place(a);
                self.unary(function, node.dtype, a)
            }
            ScalarOp::Binary(function, a, b) => {
                let (a, b) = (place(a), place(b));
                self.binary(function, node.dtype, a, b)
            }
            ScalarOp::Compare(comparison, a, b) => {
                let dtype = dtype_of(a);
                let (a, b) = (place(a), place(b));
                self.compare(comparison, dtype, a, b)
            }
            ScalarOp::Select(condition, a, b) => {
                let [condition, a, b] = [condition, a, b].map(place);
                match self.extreme_of(condition, a, b) {
                    Some(op) => self.step(Operation::Binary(op), vec![a, b]),
                    None => self.step(Operation::Select, vec![condition, a, b]),
                }
            }
            ScalarOp::Cast(a) => self.cast(body, a, node.dtype),
            ScalarOp::MultiplyAdd(a, b, c) if node.dtype == DType::F32 => {
                let operands = vec![place(a), place(b), place(c)];
                self.step(Operation::MultiplyAdd, operands)
            }
            ScalarOp::MultiplyAdd(..) => None,
            ScalarOp::Bitcast(a) => {
                let known = is_lane(dtype_of(a)) && dtype_of(a) != DType::Bool;
                known.then_some(place(a))
            }
            ScalarOp::ShiftLeft(a, bits) => {
                let a = place(a);
                self.shifted(Shift::Left, a, bits)
            }
            ScalarOp::ShiftRight(a, bits) => {
                let signed = node.dtype == DType::I32;
                let (shift, a) = if signed {
                    (Shift::RightSigned, place(a))
                } else {
                    (Shift::Right, place(a))
                };
                self.shifted(shift, a, bits)
            }
        }
    }

    fn shifted(&mut self, shift: Shift, a: usize, bits: u32) -> Option<usize> {
        if bits > 31 {
            return None;
        }
        self.step(Operation::Shift(shift, bits), vec![a])
    }

    fn unary(&mut self, function: UnaryFunction, dtype: DType, a: usize) -> Option<usize> {
        use UnaryFunction::*;
        let binary = |op| Operation::Binary(op);
        match (function, dtype) {
            (Negate, DType::F32) => {
                let sign = self.literal(0x8000_0000);
                self.step(binary(Binary::Xor), vec![a, sign])
            }
            (Absolute, DType::F32) => {
                let rest = self.literal(0x7fff_ffff);
                self.step(binary(Binary::And), vec![a, rest])
            }
            (Negate, DType::I32 | DType::U32) => {
                let zero = self.literal(0);
                self.step(binary(Binary::SubtractInteger), vec![zero, a])
            }
            (Absolute, DType::I32) => {
                let zero = self.literal(0);
                let negated = self.step(binary(Binary::SubtractInteger), vec![zero, a])?;
                self.step(binary(Binary::MaximumSigned), vec![a, negated])
            }
            (Not, DType::Bool | DType::I32 | DType::U32) => {
                let ones = self.literal(u32::MAX);
                self.step(binary(Binary::Xor), vec![a, ones])
            }
            (Round, DType::F32) => self.step(Operation::Round(0), vec![a]),
            (Floor, DType::F32) => self.step(Operation::Round(1), vec![a]),
            (Ceil, DType::F32) => self.step(Operation::Round(2), vec![a]),
            (Sqrt, DType::F32) => self.step(Operation::Sqrt, vec![a]),
            _ => None,
        }
    }

    fn binary(
        &mut self,
        function: BinaryFunction,
        dtype: DType,
        a: usize,
        b: usize,
    ) -> Option<usize> {
        use BinaryFunction::*;
        let float = dtype == DType::F32;
        let integer = matches!(dtype, DType::I32 | DType::U32);
        let simple = match function {
            Add if float => Binary::Add,
            Subtract if float => Binary::Subtract,
            Multiply if float => Binary::Multiply,
            Divide if float => Binary::Divide,
            Maximum if float => return self.extreme(Binary::Maximum, a, b),
            Minimum if float => return self.extreme(Binary::Minimum, a, b),
            Add if integer => Binary::AddInteger,
            Subtract if integer => Binary::SubtractInteger,
            Multiply if integer => Binary::MultiplyInteger,
            Maximum if dtype == DType::I32 => Binary::MaximumSigned,
            Minimum if dtype == DType::I32 => Binary::MinimumSigned,
            Maximum if dtype == DType::U32 => Binary::MaximumUnsigned,
            Minimum if dtype == DType::U32 => Binary::MinimumUnsigned,
            And if !float => Binary::And,
            Or if !float => Binary::Or,
            Xor if !float => Binary::Xor,
            Multiply | Minimum if dtype == DType::Bool => Binary::And,
            Maximum if dtype == DType::Bool => Binary::Or,
            _ => return None,
        };
        let commutes = simple != Binary::Subtract
            && simple != Binary::Divide
            && simple != Binary::SubtractInteger;
        let first_literal = matches!(self.values[a], Value::Literal(_));
        let operands = if commutes && first_literal {
            vec![b, a]
        } else {
            vec![a, b]
        };
        self.step(Operation::Binary(simple), operands)
    }

    /// The instruction gives its second operand where one is NaN, so that a number that is known
    /// goes first.
    fn extreme(&mut self, op: Binary, a: usize, b: usize) -> Option<usize> {
        let is_number = |value: usize| match self.values[value] {
            Value::Literal(bits) => !f32::from_bits(bits).is_nan(),
            _ => false,
        };
        if is_number(a) {
            self.step(Operation::Binary(op), vec![a, b])
        } else if is_number(b) {
            self.step(Operation::Binary(op), vec![b, a])
        } else {
            self.step(Operation::Extreme(op), vec![a, b])
        }
    }

    /// The instruction that is `condition ? a : b` where that is the greater or lesser of both.
    fn extreme_of(&self, condition: usize, a: usize, b: usize) -> Option<Binary> {
        let step = self.steps.iter().find(|step| step.result == condition)?;
        if step.operands != [a, b] {
            return None;
        }
        match step.operation {
            Operation::Compare(Comparison::Greater, kind) => Some(match kind {
                Kind::Float => Binary::Maximum,
                Kind::Signed => Binary::MaximumSigned,
                Kind::Unsigned => Binary::MaximumUnsigned,
            }),
            Operation::Compare(Comparison::Less, kind) => Some(match kind {
                Kind::Float => Binary::Minimum,
                Kind::Signed => Binary::MinimumSigned,
                Kind::Unsigned => Binary::MinimumUnsigned,
            }),
            _ => None,
        }
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        dtype: DType,
        a: usize,
        b: usize,
    ) -> Option<usize> {
        let kind = match dtype {
            DType::F32 => Kind::Float,
            DType::I32 => Kind::Signed,
            DType::U32 if self.width == Width::Zmm => Kind::Unsigned,
            // True is -1 in a lane, and greater than false.
            DType::Bool => {
                return self.step(Operation::Compare(comparison, Kind::Signed), vec![b, a]);
            }
            _ => return None,
        };
        self.step(Operation::Compare(comparison, kind), vec![a, b])
    }

    fn cast(&mut self, body: &Body, from: ScalarId, to: DType) -> Option<usize> {
        let a = self.places[from.0 as usize];
        let node = body.node(from);
        match &node.op {
            ScalarOp::Literal(constant) => {
                let number = to.round(constant.splat()?);
                return number_bits(to, number).map(|bits| self.literal(bits));
            }
            ScalarOp::Extent(dim) if to == DType::F32 => {
                return Some(match dim.as_constant() {
                    Some(value) => self.literal((value as f32).to_bits()),
                    None => {
                        self.uniforms.push(dim.clone());
                        self.value(Value::Uniform(self.uniforms.len() - 1))
                    }
                });
            }
            _ => {}
        }
        let signed = |dtype| dtype == DType::I32;
        match (node.dtype, to) {
            (from, to) if from == to => Some(a),
            (DType::I32, DType::U32) | (DType::U32, DType::I32) => Some(a),
            (DType::I32, DType::F32) => self.step(Operation::ToFloat, vec![a]),
            (DType::U32, DType::F32) if self.width == Width::Zmm => {
                self.step(Operation::ToFloatUnsigned, vec![a])
            }
            (DType::F32, to) if signed(to) => self.step(Operation::ToInteger, vec![a]),
            (DType::Bool, DType::F32) => {
                let one = self.literal(1f32.to_bits());
                self.step(Operation::Binary(Binary::And), vec![a, one])
            }
            (DType::Bool, DType::I32 | DType::U32) => {
                let one = self.literal(1);
                self.step(Operation::Binary(Binary::And), vec![a, one])
            }
            (DType::F32 | DType::I32 | DType::U32, DType::Bool) => {
                let zero = self.literal(0);
                let kind = if node.dtype == DType::F32 {
                    Kind::Float
                } else {
                    Kind::Signed
                };
                let operation = Operation::Compare(Comparison::NotEqual, kind);
                self.step(operation, vec![a, zero])
            }
            _ => None,
        }
    }
}

/// Whether lanes of 32 bits hold the type.
pub(super) fn is_lane(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::I32 | DType::U32 | DType::Bool)
}

fn lane_bits(dtype: DType, constant: &Constant) -> Option<u32> {
    number_bits(dtype, constant.splat()?)
}

fn number_bits(dtype: DType, number: Number) -> Option<u32> {
    match dtype {
        DType::F32 => Some((number.to_f64() as f32).to_bits()),
        DType::I32 | DType::U32 => Some(number.to_i128() as u32),
        DType::Bool if number.to_bool() => Some(u32::MAX),
        DType::Bool => Some(0),
        _ => None,
    }
}
