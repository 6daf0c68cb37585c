use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How wide a CPU's vectors are, and what comes with that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IsaLevel {
    /// What every machine of the architecture has: on x86-64 vectors of 128 bits without FMA.
    Portable,
    /// x86-64-v3: AVX2, FMA, BMI, F16C.
    V3,
    /// x86-64-v4: AVX-512 F, BW, CD, DQ and VL.
    V4,
}

/// The instructions that code may use. In text `portable`, `v3` or `v4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Isa {
    /// The level.
    pub level: IsaLevel,
}

/// A text that names no instruction set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IsaError(pub String);

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = "`native`, `portable`, `v3` or `v4`";
        write!(f, "`{}` is no instruction set; known are {known}", self.0)
    }
}

impl std::error::Error for IsaError {}

impl Isa {
    /// What every machine of the architecture has.
    pub const PORTABLE: Isa = Isa {
        level: IsaLevel::Portable,
    };
    /// x86-64-v3.
    pub const V3: Isa = Isa {
        level: IsaLevel::V3,
    };
    /// x86-64-v4.
    pub const V4: Isa = Isa {
        level: IsaLevel::V4,
    };
    /// Every instruction set, the least first.
    pub const ALL: [Isa; 3] = [Isa::PORTABLE, Isa::V3, Isa::V4];

    /// The most that this machine has.
    pub fn native() -> Isa {
        let found = Isa::ALL
            .into_iter()
            .rev()
            .find(|isa| isa.missing().is_empty());
        found.unwrap_or(Isa::PORTABLE)
    }

    /// Whether this machine can run such code.
    pub fn is_supported(self) -> bool {
        self.missing().is_empty()
    }

    /// The features that such code needs and this machine lacks.
    pub fn missing(self) -> Vec<&'static str> {
        let wanted = features();
        wanted
            .into_iter()
            .filter(|(level, _, found)| *level <= self.level && !found)
            .map(|(_, name, _)| name)
            .collect()
    }
}

/// Level, name, and whether this machine has it.
#[cfg(target_arch = "x86_64")]
fn features() -> Vec<(IsaLevel, &'static str, bool)> {
    use std::arch::is_x86_feature_detected as has;
    vec![
        (IsaLevel::V3, "avx2", has!("avx2")),
        (IsaLevel::V3, "fma", has!("fma")),
        (IsaLevel::V3, "bmi1", has!("bmi1")),
        (IsaLevel::V3, "bmi2", has!("bmi2")),
        (IsaLevel::V3, "lzcnt", has!("lzcnt")),
        (IsaLevel::V3, "popcnt", has!("popcnt")),
        (IsaLevel::V3, "sse4.2", has!("sse4.2")),
        (IsaLevel::V3, "f16c", has!("f16c")),
        (IsaLevel::V4, "avx512f", has!("avx512f")),
        (IsaLevel::V4, "avx512bw", has!("avx512bw")),
        (IsaLevel::V4, "avx512cd", has!("avx512cd")),
        (IsaLevel::V4, "avx512dq", has!("avx512dq")),
        (IsaLevel::V4, "avx512vl", has!("avx512vl")),
    ]
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<(IsaLevel, &'static str, bool)> {
    vec![
        (IsaLevel::V3, "x86-64", false),
        (IsaLevel::V4, "x86-64", false),
    ]
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            IsaLevel::Portable => "portable",
            IsaLevel::V3 => "v3",
            IsaLevel::V4 => "v4",
        })
    }
}

impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(text: &str) -> Result<Isa, IsaError> {
        if text == "native" {
            return Ok(Isa::native());
        }
        let mut all = Isa::ALL.into_iter();
        all.find(|isa| isa.to_string() == text)
            .ok_or_else(|| IsaError(text.to_owned()))
    }
}

impl TryFrom<String> for Isa {
    type Error = IsaError;

    fn try_from(text: String) -> Result<Isa, IsaError> {
        text.parse()
    }
}

impl From<Isa> for String {
    fn from(isa: Isa) -> String {
        isa.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_this_machine_runs_its_own_level() {
        for isa in Isa::ALL {
            assert_eq!(isa.to_string().parse(), Ok(isa));
        }
        assert!(Isa::PORTABLE.is_supported() && Isa::native().is_supported());
        assert_eq!("native".parse(), Ok(Isa::native()));
        assert!("v5".parse::<Isa>().is_err());
    }
}
