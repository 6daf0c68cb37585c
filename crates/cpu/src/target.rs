use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use eyas_plan::{Isa, IsaLevel};

use crate::CpuError;

/// What the emitter may use beside the plain instructions; the rest is spelt out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Abilities {
    /// Multiply-adds that round once.
    pub(crate) fused: bool,
    /// Rounding to integral floats.
    pub(crate) rounding: bool,
    /// Vectors in memory as operands wherever they lie.
    pub(crate) unaligned: bool,
}

impl Abilities {
    pub(crate) fn of(isa: Isa) -> Abilities {
        let beyond = isa.level >= IsaLevel::V3;
        Abilities {
            fused: beyond,
            rounding: beyond,
            unaligned: beyond,
        }
    }
}

const SSE: [&str; 6] = [
    "has_sse3",
    "has_ssse3",
    "has_cmpxchg16b",
    "has_sse41",
    "has_sse42",
    "has_popcnt",
];
const V3: [&str; 6] = [
    "has_avx",
    "has_avx2",
    "has_fma",
    "has_bmi1",
    "has_bmi2",
    "has_lzcnt",
];
const V4: [&str; 3] = ["has_avx512f", "has_avx512dq", "has_avx512vl"];

/// Cranelift's target for an instruction set.
pub(crate) fn target(isa: Isa) -> Result<OwnedTargetIsa, CpuError> {
    let failed = |message: String| CpuError::Target {
        isa: isa.to_string(),
        message,
    };
    let mut shared = settings::builder();
    let verifier = if cfg!(debug_assertions) {
        "true"
    } else {
        "false"
    };
    for (name, value) in [
        ("opt_level", "speed"),
        ("is_pic", "false"),
        ("enable_probestack", "false"),
        ("unwind_info", "false"),
        ("enable_verifier", verifier),
    ] {
        shared.set(name, value).map_err(|e| failed(e.to_string()))?;
    }
    let mut builder =
        isa::lookup_by_name("x86_64-unknown-linux-gnu").map_err(|e| failed(e.to_string()))?;
    let features: &[&[&str]] = match isa.level {
        IsaLevel::Portable => &[],
        IsaLevel::V3 => &[&SSE, &V3],
        IsaLevel::V4 => &[&SSE, &V3, &V4],
    };
    for name in features.iter().copied().flatten() {
        builder.enable(name).map_err(|e| failed(e.to_string()))?;
    }
    builder
        .finish(settings::Flags::new(shared))
        .map_err(|e| failed(e.to_string()))
}
