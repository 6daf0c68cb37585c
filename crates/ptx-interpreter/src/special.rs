/// A register that is there without a declaration; all have 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Special {
    /// A thread's index in its block, along an axis.
    Thread(usize),
    /// A block's extent.
    Threads(usize),
    /// A block's index in the grid.
    Block(usize),
    /// The grid's extent.
    Blocks(usize),
    /// The thread's number in its warp.
    Lane,
    /// The warp's number in its block.
    Warp,
    /// Warps of a block.
    Warps,
    /// The lanes of a warp that are in some order to the thread's.
    Lanes(Order),
    /// Bytes of shared memory beyond what is declared.
    DynamicShared,
    /// Bytes of shared memory.
    Shared,
}

/// An order of lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Special {
    /// The register of that name, which begins with `%`.
    pub(crate) fn named(name: &str, part: Option<&str>) -> Option<Special> {
        if let Some(part) = part {
            let axis = ["x", "y", "z"].iter().position(|axis| *axis == part)?;
            return match name {
                "%tid" => Some(Special::Thread(axis)),
                "%ntid" => Some(Special::Threads(axis)),
                "%ctaid" => Some(Special::Block(axis)),
                "%nctaid" => Some(Special::Blocks(axis)),
                _ => None,
            };
        }
        match name {
            "%laneid" => Some(Special::Lane),
            "%warpid" => Some(Special::Warp),
            "%nwarpid" => Some(Special::Warps),
            "%lanemask_eq" => Some(Special::Lanes(Order::Equal)),
            "%lanemask_lt" => Some(Special::Lanes(Order::Less)),
            "%lanemask_le" => Some(Special::Lanes(Order::LessOrEqual)),
            "%lanemask_gt" => Some(Special::Lanes(Order::Greater)),
            "%lanemask_ge" => Some(Special::Lanes(Order::GreaterOrEqual)),
            "%dynamic_smem_size" => Some(Special::DynamicShared),
            "%total_smem_size" => Some(Special::Shared),
            _ => None,
        }
    }
}

impl Order {
    /// The lanes that stand so to `lane`.
    pub(crate) fn mask(self, lane: u32) -> u32 {
        let equal = 1u32 << lane;
        match self {
            Order::Equal => equal,
            Order::Less => equal - 1,
            Order::LessOrEqual => equal | (equal - 1),
            Order::Greater => !(equal | (equal - 1)),
            Order::GreaterOrEqual => !(equal - 1),
        }
    }
}
