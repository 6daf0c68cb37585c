//! Runs PTX text on a CPU, and finds races, stray accesses and what was never written.
//!
//! The parser reads the text and checks the types of all operands. An entry is decoded once:
//! registers, constants and special registers become planes of 32 lanes, and each instruction
//! belongs to a family with a file of its own in `instruction`. Blocks run one after another, the
//! warps of a block in turns, from barrier to barrier; lanes of a warp that part run one side after
//! the other and meet at the branch's immediate post-dominator.
//!
//! Every byte knows whether it was ever written; every few bytes, which thread wrote and read them
//! last, so that two accesses without a barrier between them, of which one writes, are found
//! whatever the order in which they ran. A register that holds nothing sensible is a [`Fault`]
//! where it reaches memory, a branch or an address.
//!
//! ```
//! use eyas_ptx_interpreter::{Launch, Limits, Memory, Module, launch};
//!
//! let module = Module::parse(
//!     ".version 8.0 .target sm_80 .address_size 64
//!     .visible .entry square(.param .u64 x) {
//!         .reg .u64 %a<3>; .reg .u32 %t; .reg .f32 %v;
//!         ld.param.u64 %a0, [x];
//!         mov.u32 %t, %tid.x;
//!         mad.wide.u32 %a1, %t, 4, %a0;
//!         ld.global.f32 %v, [%a1];
//!         mul.rn.f32 %v, %v, %v;
//!         st.global.f32 [%a1], %v;
//!         ret;
//!     }",
//! )?;
//! let mut memory = Memory::new();
//! let x = memory.allocate(8)?;
//! memory.write(x, &[2f32.to_le_bytes(), 3f32.to_le_bytes()].concat())?;
//! let shape = Launch { grid: [1; 3], block: [2, 1, 1], shared: 0 };
//! launch(&module.entries()[0], &shape, &x.to_le_bytes(), &mut memory, &Limits::default())?;
//! let mut bytes = [0; 4];
//! memory.read(x + 4, &mut bytes)?;
//! assert_eq!(f32::from_le_bytes(bytes), 9.0);
//!
//! // A third thread finds nothing there.
//! let shape = Launch { grid: [1; 3], block: [3, 1, 1], shared: 0 };
//! let fault = launch(
//!     &module.entries()[0], &shape, &x.to_le_bytes(), &mut memory, &Limits::default(),
//! );
//! assert!(fault.unwrap_err().to_string().contains("thread (2, 0, 0), line 7"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod barriers;
mod block;
mod clock;
mod decoder;
mod entry;
mod error;
mod fault;
mod flow;
mod fused;
mod instruction;
mod kind;
mod lane;
mod launch;
mod machine;
mod memory;
mod module;
mod names;
mod parser;
mod publication;
mod region;
mod rounding;
mod shadow;
mod special;
mod syntax;
mod token;
mod warp;

pub use entry::{Entry, Parameter};
pub use error::{MemoryError, ParseError};
pub use fault::{Cause, Fault, Other, Place, Space};
pub use kind::Type;
pub use launch::{Launch, Limits, Statistics, launch};
pub use memory::Memory;
pub use module::Module;
