use eyas_diagnostic::{Diagnostic, Span};
use eyas_ir::{BinaryFunction, Comparison, Distribution, Mode, Op, TensorType};
use eyas_tensor::{DType, Dim, Number};

use super::Arguments;
use crate::elaborator::{Elaborator, Eval};
use crate::path::child;
use crate::value::{Operand, Value};

impl Elaborator<'_> {
    /// Uniform random numbers in [0, 1): one stream a call, told apart by the counters of the
    /// loops around it.
    fn draw(&mut self, name: &str, shape: Vec<Dim>, span: Span) -> Eval<Operand> {
        let stream = match self.activation() {
            Some(activation) => {
                activation.streams += 1;
                let number = activation.streams;
                child(activation.file_path(), &format!("{name}#{number}"))
            }
            None => name.to_owned(),
        };
        let counters: Vec<Operand> = self
            .frames
            .iter()
            .enumerate()
            .filter_map(|(frame, own)| {
                own.counter.as_ref().map(|counter| Operand {
                    frame,
                    value: counter.value,
                    ty: TensorType::scalar(DType::I64),
                    span,
                })
            })
            .collect();
        let op = Op::Random {
            distribution: Distribution::Uniform,
            stream,
            shape,
        };
        let counters: Vec<&Operand> = counters.iter().collect();
        self.emit(op, &counters, span)
    }

    /// `uniform(B, 4)`: random numbers of that shape.
    pub(super) fn uniform(&mut self, arguments: &Arguments) -> Eval<Value> {
        let mut shape = Vec::new();
        for (value, span) in &arguments.list {
            shape.push(self.as_int(value, *span)?);
        }
        self.draw("uniform", shape, arguments.span)
            .map(Value::Tensor)
    }

    /// In training, each element is 0 with probability `p`, else divided by `1 - p`.
    pub(super) fn dropout(&mut self, arguments: &Arguments) -> Eval<Value> {
        let span = arguments.span;
        let operand = self.float_operand(&arguments.required(0), span)?;
        let (value, place) = arguments.required(1);
        let p = self.as_number(&value, place)?;
        if !(0.0..1.0).contains(&p) {
            return self.fail(
                Diagnostic::error(
                    "E0116",
                    format!("a probability below 1 is wanted, not {p:?}"),
                )
                .primary(place, "out of range"),
            );
        }
        if self.mode == Mode::Inference || p == 0.0 {
            return Ok(Value::Tensor(operand));
        }
        let dtype = operand.ty.dtype;
        let shape = operand.ty.shape.clone();
        let draw = self.draw("dropout", shape.clone(), span)?;
        let bound = self.emit_scalar(DType::F32, Number::Float(p), span)?;
        let bound = self.broadcast(&bound, &shape, span)?;
        let comparison = Comparison::GreaterOrEqual;
        let kept = self.emit(Op::Compare { comparison }, &[&draw, &bound], span)?;
        let scale = self.emit_scalar(dtype, Number::Float(1.0 / (1.0 - p)), span)?;
        let scale = self.broadcast(&scale, &shape, span)?;
        let multiply = Op::binary(BinaryFunction::Multiply);
        let scaled = self.emit(multiply, &[&operand, &scale], span)?;
        let zero = self.emit_scalar(dtype, Number::Float(0.0), span)?;
        let zero = self.broadcast(&zero, &shape, span)?;
        self.emit(Op::Select, &[&kept, &scaled, &zero], span)
            .map(Value::Tensor)
    }
}
