//! A CUDA driver library without a GPU: the calls that the runtime makes, with the PTX interpreter behind them.
//!
//! Built as a shared library it takes the place of `libcuda.so`, for tests on machines without a GPU: what
//! runs on it goes through every foreign call that it would make on a GPU. It is an adversary. Work on a
//! stream is done when something waits for it and no sooner, copies touch pinned host memory only then, and
//! streams that nothing orders run in an inconvenient order; so a missing event, a staging buffer used again too
//! early or memory freed too early gives a wrong result or a fault, here every time. What a GPU
//! would do silently wrong (reads of memory never written, races, stray accesses) is
//! `CUDA_ERROR_ILLEGAL_ADDRESS` or `CUDA_ERROR_LAUNCH_FAILED`, with the interpreter's message on stderr.
//!
//! ```no_run
//! let directory = eyas_cuda_stub::library_directory().expect("the stub is built with the tests");
//! let mut command = std::process::Command::new("a program that uses CUDA");
//! command.env("LD_LIBRARY_PATH", directory.path());
//! ```
//!
//! Variables, read when the library is first called:
//!
//! | `EYAS_CUDA_STUB_...` | |
//! | --- | --- |
//! | `DEVICES` | how many there are, 1 if not given; 0 is allowed |
//! | `CAPABILITY` | their compute capability, `9.0` if not given |
//! | `MEMORY` | bytes of memory that each has, 4 GiB if not given |
//! | `ORDER` | `late`: nothing is done that nobody waits for (so if not given); `early`: all other streams run ahead of the one waited for; a number: the seed of an order by chance |
//! | `FAIL` | `cuLaunchKernel:2=719,...`: the second call of it fails with this code |
//! | `INSTRUCTIONS` | how many instructions of threads a launch may take |
#![allow(non_snake_case)]

mod capture;
mod code;
mod context;
mod device;
mod driver;
mod event;
mod graph;
mod host_memory;
mod launch;
mod library;
mod memory;
mod module;
mod schedule;
mod settings;
mod stream;
mod work;

pub use library::{LibraryDirectory, library_directory};
