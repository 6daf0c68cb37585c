use eyas_plan::Isa;

/// What code is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The instructions that it may use.
    pub isa: Isa,
    /// Whether kernels that have a wide form take it.
    pub wide: bool,
    /// Whether listings are made.
    pub listings: bool,
}
