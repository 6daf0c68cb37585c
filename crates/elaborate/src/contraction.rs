use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{Einsum, Op};
use eyas_tensor::{DType, Dim};

use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::side::Side;
use crate::value::{Operand, Value};

/// The letter of an axis of a contraction.
pub(crate) fn letter(place: usize) -> char {
    let letters = ('a'..='z').chain('A'..='Z').chain('α'..='ω');
    letters.into_iter().nth(place).unwrap_or('_')
}

/// What products of this type are summed in.
fn accumulator(dtype: DType) -> DType {
    match dtype {
        DType::F64 => DType::F64,
        DType::F32 | DType::F16 | DType::BF16 | DType::F8E4M3 | DType::F8E5M2 => DType::F32,
        DType::I64 | DType::U64 | DType::U32 => dtype,
        DType::I32 | DType::I16 | DType::I8 | DType::I4 => DType::I32,
        DType::U16 | DType::U8 | DType::U4 | DType::Bool => DType::I32,
    }
}

impl Elaborator<'_> {
    /// A sum of products of two operands.
    pub fn contract(
        &mut self,
        left: (&Operand, &[char]),
        right: (&Operand, &[char]),
        output: &[char],
        span: Span,
    ) -> Eval<Operand> {
        let spec = match Einsum::new(left.1, right.1, output) {
            Ok(spec) => spec.canonical(),
            Err(message) => {
                return self.fail(Diagnostic::error("E0120", message).primary(span, "here"));
            }
        };
        let op = Op::Contraction {
            spec,
            accumulator: accumulator(left.0.ty.dtype),
            epilogue: None,
        };
        self.emit(op, &[left.0, right.0], span)
    }

    /// `a @ b` by NumPy's rules: the last axis of `a` with the last but one of `b`, axes before
    /// these broadcast to each other, a vector is a row on the left and a column on the right.
    pub fn matrix_multiply(&mut self, left: Placed, right: Placed, span: Span) -> Eval<Value> {
        let a = self.tensor(&left.0, left.1)?;
        let b = self.tensor(&right.0, right.1)?;
        let dtype = self.common_dtype(
            &(Value::Tensor(a.clone()), left.1),
            &(Value::Tensor(b.clone()), right.1),
            span,
        )?;
        if dtype == DType::Bool {
            self.check_takes(false, &a, left.1, span)?;
        }
        for (operand, place) in [(&a, left.1), (&b, right.1)] {
            if operand.ty.rank() == 0 {
                return self.fail(
                    Diagnostic::error("E0102", "`@` multiplies matrices and vectors")
                        .primary(
                            place,
                            format!("this is `{}`, which has no axes", operand.ty),
                        )
                        .help("`*` multiplies element by element"),
                );
            }
        }
        let sides = (self.side(&a, left.1), self.side(&b, right.1));
        self.check_inner(sides.0, sides.1, span)?;
        let (a_matrix, b_matrix) = (a.ty.rank().min(2), b.ty.rank().min(2));
        let a_batch = a.ty.shape[..a.ty.rank() - a_matrix].to_vec();
        let b_batch = b.ty.shape[..b.ty.rank() - b_matrix].to_vec();
        let batch = self.broadcast_shape(
            sides.0.with_type(&a.ty.with_shape(a_batch.clone())),
            sides.1.with_type(&b.ty.with_shape(b_batch.clone())),
            span,
        )?;
        let (row, inner, column) = (
            letter(batch.len()),
            letter(batch.len() + 1),
            letter(batch.len() + 2),
        );
        let (a, mut a_letters) = self.drop_single(&a, &a_batch, &batch, span)?;
        let (b, mut b_letters) = self.drop_single(&b, &b_batch, &batch, span)?;
        let mut output: Vec<char> = (0..batch.len()).map(letter).collect();
        // An axis of extent 1 on both sides is in neither operand; it comes back at the end.
        let present = |letter: &char| a_letters.contains(letter) || b_letters.contains(letter);
        let lost = output.iter().any(|letter| !present(letter));
        output.retain(|letter| present(letter));
        let mut shape = batch;
        if a_matrix == 2 {
            a_letters.push(row);
            output.push(row);
            shape.push(a.ty.shape[a.ty.rank() - 2].clone());
        }
        a_letters.push(inner);
        b_letters.push(inner);
        if b_matrix == 2 {
            b_letters.push(column);
            output.push(column);
            shape.push(b.ty.shape[b.ty.rank() - 1].clone());
        }
        let product = self.contract((&a, &a_letters), (&b, &b_letters), &output, span)?;
        if lost {
            return self.reshape(&product, shape, span).map(Value::Tensor);
        }
        Ok(Value::Tensor(product))
    }

    fn check_inner(&mut self, left: Side<'_>, right: Side<'_>, span: Span) -> Eval<()> {
        let (a, b) = (left.ty, right.ty);
        let x = a.shape[a.rank() - 1].clone();
        let y = b.shape[b.rank().saturating_sub(2)].clone();
        if self.same(&x, &y) {
            return Ok(());
        }
        let diagnostic = Diagnostic::error(
            "E0102",
            format!("`{a}` and `{b}` cannot be multiplied: `{x}` is not `{y}`"),
        )
        .primary(
            span,
            "the last axis on the left meets the last but one on the right",
        );
        let diagnostic = left.label(diagnostic, &format!(": its last axis has `{x}`"));
        let diagnostic = right.label(diagnostic, &format!(": its axis has `{y}`"));
        self.fail(self.with_advice(diagnostic, &x, &y))
    }

    /// The operand without batch axes of extent 1 that the other operand extends, and the letters
    /// of those that stay.
    fn drop_single(
        &mut self,
        operand: &Operand,
        own: &[Dim],
        batch: &[Dim],
        span: Span,
    ) -> Eval<(Operand, Vec<char>)> {
        let added = batch.len() - own.len();
        let mut letters = Vec::new();
        let mut shape = Vec::new();
        for (place, extent) in own.iter().enumerate() {
            if extent.is(1) {
                continue;
            }
            letters.push(letter(place + added));
            shape.push(extent.clone());
        }
        shape.extend_from_slice(&operand.ty.shape[own.len()..]);
        Ok((self.reshape(operand, shape, span)?, letters))
    }
}
