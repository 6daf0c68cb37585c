use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Isa;

/// What code is made for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Machine {
    /// A processor: its architecture, as in [`std::env::consts::ARCH`], and the instructions used.
    Cpu {
        /// The architecture.
        architecture: String,
        /// The instructions.
        isa: Isa,
    },
    /// An NVIDIA GPU.
    Cuda(CudaArchitecture),
}

/// What PTX code needs of a GPU. In text `sm_80` or `sm_90a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CudaArchitecture {
    /// Ampere, and all that came after it.
    Sm80,
    /// Hopper alone, with what only Hopper has.
    Sm90a,
}

/// A text that names no GPU architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no GPU architecture; known are `sm_80` and `sm_90a`")]
pub struct CudaArchitectureError(pub String);

impl Machine {
    /// A processor of this machine's architecture.
    pub fn cpu(isa: Isa) -> Machine {
        Machine::Cpu {
            architecture: std::env::consts::ARCH.to_owned(),
            isa,
        }
    }

    /// This machine's processor.
    pub fn native() -> Machine {
        Machine::cpu(Isa::native())
    }

    /// The instructions of a processor.
    pub fn isa(&self) -> Option<Isa> {
        match self {
            Machine::Cpu { isa, .. } => Some(*isa),
            Machine::Cuda(_) => None,
        }
    }

    /// The architecture of a GPU.
    pub fn cuda(&self) -> Option<CudaArchitecture> {
        match self {
            Machine::Cpu { .. } => None,
            Machine::Cuda(architecture) => Some(*architecture),
        }
    }
}

impl CudaArchitecture {
    /// Every architecture, the least first.
    pub const ALL: [CudaArchitecture; 2] = [CudaArchitecture::Sm80, CudaArchitecture::Sm90a];

    /// Whether a device of this compute capability runs such code.
    pub fn runs_on(self, major: i32, minor: i32) -> bool {
        match self {
            CudaArchitecture::Sm80 => (major, minor) >= (8, 0),
            CudaArchitecture::Sm90a => (major, minor) == (9, 0),
        }
    }
}

impl fmt::Display for CudaArchitecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CudaArchitecture::Sm80 => "sm_80",
            CudaArchitecture::Sm90a => "sm_90a",
        })
    }
}

impl FromStr for CudaArchitecture {
    type Err = CudaArchitectureError;

    fn from_str(text: &str) -> Result<CudaArchitecture, CudaArchitectureError> {
        let mut all = CudaArchitecture::ALL.into_iter();
        let found = all.find(|architecture| architecture.to_string() == text);
        found.ok_or_else(|| CudaArchitectureError(text.to_owned()))
    }
}

impl TryFrom<String> for CudaArchitecture {
    type Error = CudaArchitectureError;

    fn try_from(text: String) -> Result<CudaArchitecture, CudaArchitectureError> {
        text.parse()
    }
}

impl From<CudaArchitecture> for String {
    fn from(architecture: CudaArchitecture) -> String {
        architecture.to_string()
    }
}

/// `x86_64-v3`, `sm_80`.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Machine::Cpu { architecture, isa } => write!(f, "{architecture}-{isa}"),
            Machine::Cuda(architecture) => architecture.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_are_read_as_they_are_written() {
        for architecture in CudaArchitecture::ALL {
            assert_eq!(architecture.to_string().parse(), Ok(architecture));
        }
        let error = "sm_75".parse::<CudaArchitecture>().unwrap_err();
        assert!(error.to_string().contains("known are `sm_80`"));
    }

    #[test]
    fn code_for_ampere_runs_on_what_came_later_and_code_for_hopper_there_alone() {
        assert!(!CudaArchitecture::Sm80.runs_on(7, 5));
        assert!(CudaArchitecture::Sm80.runs_on(8, 0) && CudaArchitecture::Sm80.runs_on(12, 0));
        assert!(CudaArchitecture::Sm90a.runs_on(9, 0) && !CudaArchitecture::Sm90a.runs_on(10, 0));
    }
}
