//! What the compiler writes and the runtime runs: plans, machine code with its function table, the
//! kernel ABI, and the instruction sets that code may need. Free of any compiler stage.
//!
//! A [`Plan`] says which buffers a model needs, for how long, and which functions are launched on
//! them in which order. Sizes are [`eyas_tensor::Dim`]s, so that one plan serves every binding;
//! [`place`] gives each buffer of the arena its offset once the dims are bound.

mod abi;
mod code;
mod isa;
mod machine;
mod placement;
mod plan;

pub use abi::{DeviceFailure, Failure, KernelFunction, LaunchContext, Status};
pub use code::{Code, Function, FunctionArgument, Grid};
pub use isa::{Isa, IsaError, IsaLevel};
pub use machine::{CudaArchitecture, CudaArchitectureError, Machine};
pub use placement::{Placement, PlacementError, place};
pub use plan::{
    Buffer, BufferId, Carry, If, Launch, LiveRange, Loop, Operand, Place, Plan, PlanInput,
    PlanOutput, Step,
};
