use eyas_tensor::DType;

/// What a random module may hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Ops to try to add to the main graph.
    pub ops: usize,
    /// The element types of inputs, parameters and constants; casts go between them.
    pub dtypes: Vec<DType>,
    /// The most elements of any value.
    pub max_elements: usize,
    /// Whether some extents are symbols.
    pub symbols: bool,
    /// Whether some extents are 0.
    pub empty: bool,
    /// Whether there are loops.
    pub loops: bool,
    /// Whether there are composites.
    pub composites: bool,
    /// Whether there are contractions.
    pub contractions: bool,
    /// Whether there are gathers and scatters.
    pub indexing: bool,
    /// Whether floats go through functions that jump (floor, sign, comparisons, casts to
    /// integers): a difference in the last bit may then show as a large one.
    pub jumps: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            ops: 14,
            dtypes: vec![DType::F32, DType::F64, DType::I32, DType::I64, DType::Bool],
            max_elements: 2000,
            symbols: true,
            empty: true,
            loops: true,
            composites: true,
            contractions: true,
            indexing: true,
            jumps: false,
        }
    }
}
