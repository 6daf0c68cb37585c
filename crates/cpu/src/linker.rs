use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::{FinalizedMachReloc, FinalizedRelocTarget};

use crate::CpuError;

/// Every function begins at a multiple of this many bytes, a cache line.
const ALIGNMENT: usize = 64;

/// What lies between functions: `int3`, so that running off an end stops at once.
const FILLER: u8 = 0xcc;

/// Lays functions out in one section and resolves what they refer to in it.
#[derive(Debug, Default)]
pub(crate) struct Linker {
    bytes: Vec<u8>,
}

impl Linker {
    /// Adds a function; gives its offset.
    ///
    /// # Errors
    /// [`CpuError::Symbol`] where it refers to anything but itself.
    pub(crate) fn add(
        &mut self,
        kernel: &str,
        code: &[u8],
        relocations: &[FinalizedMachReloc],
    ) -> Result<usize, CpuError> {
        let offset = self.bytes.len().next_multiple_of(ALIGNMENT);
        self.bytes.resize(offset, FILLER);
        self.bytes.extend_from_slice(code);
        for relocation in relocations {
            self.resolve(offset, relocation).ok_or_else(|| {
                let target = relocation.target.display(None);
                CpuError::Symbol {
                    kernel: kernel.to_owned(),
                    symbol: format!("{target} ({})", relocation.kind),
                }
            })?;
        }
        Ok(offset)
    }

    /// Only references relative to the instruction survive moving the section.
    fn resolve(&mut self, offset: usize, relocation: &FinalizedMachReloc) -> Option<()> {
        let FinalizedRelocTarget::Func(target) = relocation.target else {
            return None;
        };
        match relocation.kind {
            Reloc::X86PCRel4 | Reloc::X86CallPCRel4 => {
                let place = offset.checked_add(relocation.offset as usize)?;
                let target = i64::try_from(offset).ok()? + i64::from(target);
                let distance = target + relocation.addend - i64::try_from(place).ok()?;
                let field = self.bytes.get_mut(place..place + 4)?;
                field.copy_from_slice(&i32::try_from(distance).ok()?.to_le_bytes());
                Some(())
            }
            _ => None,
        }
    }

    /// The section.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_codegen::ir::{ExternalName, LibCall};

    fn reference(target: FinalizedRelocTarget) -> FinalizedMachReloc {
        FinalizedMachReloc {
            offset: 1,
            kind: Reloc::X86CallPCRel4,
            target,
            addend: -4,
        }
    }

    #[test]
    fn functions_begin_at_cache_lines_and_refer_to_themselves() {
        let mut linker = Linker::default();
        assert_eq!(linker.add("a", &[0xc3; 3], &[]).unwrap(), 0);
        let call = reference(FinalizedRelocTarget::Func(5));
        let code = [0xe8, 0, 0, 0, 0, 0xc3];
        assert_eq!(linker.add("b", &code, &[call]).unwrap(), 64);
        let bytes = linker.finish();
        assert_eq!(bytes[3..64], [FILLER; 61]);
        assert_eq!(bytes[64..], [0xe8, 0, 0, 0, 0, 0xc3]);
    }

    #[test]
    fn a_function_that_needs_a_library_is_refused() {
        let name = ExternalName::LibCall(LibCall::FmaF32);
        let call = reference(FinalizedRelocTarget::ExternalName(name));
        let error = Linker::default().add("a", &[0; 8], &[call]).unwrap_err();
        assert!(matches!(error, CpuError::Symbol { .. }), "{error}");
    }
}
