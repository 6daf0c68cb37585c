use eyas_tensor::DType;

use super::VerifyCause;
use crate::{Body, ScalarOp};

/// Checks that places exist and types fit.
pub(super) fn verify(body: &Body) -> Result<(), VerifyCause> {
    if !body.is_well_formed() {
        let message = "an operand does not stand before its user".to_string();
        return Err(VerifyCause::Epilogue { place: 0, message });
    }
    for place in 0..body.nodes.len() {
        if let Some(message) = fault(body, place) {
            return Err(VerifyCause::Epilogue { place, message });
        }
    }
    Ok(())
}

fn fault(body: &Body, place: usize) -> Option<String> {
    let node = &body.nodes[place];
    let own = node.dtype;
    let operands: Vec<DType> = node
        .op
        .operands()
        .iter()
        .map(|id| body.node(*id).dtype)
        .collect();
    let uniform = operands.iter().all(|dtype| *dtype == own);
    let fits = match &node.op {
        ScalarOp::Input(input) => body.inputs[*input as usize] == own,
        ScalarOp::Literal(value) => {
            value.tensor().shape().is_empty() && value.tensor().dtype() == own
        }
        ScalarOp::Extent(_) => true,
        ScalarOp::Index(_) => own == DType::I64,
        ScalarOp::Unary(function, _) => uniform && function.accepts(own),
        ScalarOp::Binary(function, ..) => uniform && function.accepts(own),
        ScalarOp::Compare(..) => own == DType::Bool && operands[0] == operands[1],
        ScalarOp::Select(..) => {
            operands[0] == DType::Bool && operands[1] == own && operands[2] == own
        }
        ScalarOp::Cast(_) => true,
        ScalarOp::MultiplyAdd(..) => uniform && own != DType::Bool,
        ScalarOp::Bitcast(_) => operands[0].bits() == own.bits(),
        ScalarOp::ShiftLeft(_, by) | ScalarOp::ShiftRight(_, by) => {
            uniform && own.is_integer() && (*by as usize) < own.bits()
        }
    };
    (!fits).then(|| format!("does not give a `{own}`"))
}
