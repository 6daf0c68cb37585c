use std::fmt::Write;

use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, OpKind};

/// A kernel's code in readable form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The kernel's name.
    pub name: String,
    /// Who made the code: `cranelift` or `wide`.
    pub emitter: &'static str,
    /// Cranelift's intermediate form, before it is optimised.
    pub clif: Option<String>,
    /// The instructions, addresses counted from the function's first byte.
    pub asm: String,
}

/// The instructions of a function in Intel syntax, a line each; what follows the last return and
/// is jumped to by nobody are constants, as bytes.
pub(crate) fn disassemble(bytes: &[u8]) -> String {
    let code_end = code_end(bytes);
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_space_after_operand_separator(true);
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_branch_leading_zeros(false);
    options.set_small_hex_numbers_in_decimal(true);
    options.set_rip_relative_addresses(false);
    let mut decoder = Decoder::with_ip(64, &bytes[..code_end], 0, DecoderOptions::NONE);
    let (mut text, mut line) = (String::new(), String::new());
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        line.clear();
        formatter.format(&instruction, &mut line);
        let _ = writeln!(text, "{:6x}  {line}", instruction.ip());
    }
    for (row, constants) in bytes[code_end..].chunks(16).enumerate() {
        let _ = write!(text, "{:6x}  db", code_end + 16 * row);
        for byte in constants {
            let _ = write!(text, " {byte:02x}");
        }
        text.push('\n');
    }
    text
}

/// Where the constants begin: after the last instruction that control reaches from the first.
fn code_end(bytes: &[u8]) -> usize {
    let mut decoder = Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    let mut reached = 0;
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        if instruction.is_invalid() {
            break;
        }
        if instruction.op_count() > 0 && instruction.op0_kind() == OpKind::NearBranch64 {
            reached = reached.max(instruction.near_branch64());
        }
        let ends = matches!(
            instruction.flow_control(),
            iced_x86::FlowControl::Return | iced_x86::FlowControl::UnconditionalBranch
        );
        if ends && instruction.next_ip() > reached {
            return decoder.position();
        }
    }
    bytes.len()
}
