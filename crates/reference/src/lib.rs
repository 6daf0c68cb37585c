//! The reference evaluator: slow, plain, every op; the oracle of all tests.
//!
//! Every op is computed in f64 (integers in 128 bits) and rounded once to its type
//! ([`Storage::Exact`]), or floats are kept as f64 throughout ([`Storage::Wide`]). One file holds
//! one family of ops; `primitive` checks operands and picks the family.
//!
//! ```
//! use eyas_ir::{Composite, Entry, Graph, Mode, Module, Op};
//! use eyas_reference::Evaluator;
//! use eyas_tensor::Tensor;
//!
//! let mut graph = Graph::new("main");
//! let x = graph.add_input("x", "f32[B, 2]".parse().unwrap());
//! let y = graph.add(Op::composite(Composite::Softmax { axis: 1 }), &[x]).unwrap();
//! graph.add_output("y", y);
//! let mut module = Module::default();
//! let graph = module.add_graph(graph);
//! module.entries.push(Entry { name: "main".into(), graph, mode: Mode::Inference, states: vec![] });
//!
//! let input = Tensor::from_f32(&[1, 2], &[3.0, 3.0]).unwrap();
//! let outcome = Evaluator::new(&module).run("main", &[input]).unwrap();
//! assert_eq!(outcome.output("y").unwrap().to_f64(), [0.5, 0.5]);
//! assert_eq!(outcome.bindings["B"], 1);
//! ```

mod binding;
mod composite;
mod contraction;
mod control;
mod derived;
mod elementwise;
mod error;
mod evaluator;
mod indexing;
mod initialise;
mod kernel;
mod kernel_fault;
mod kernel_fold;
mod kernel_memory;
mod kernel_plan;
mod layout;
mod places;
mod primitive;
mod random;
mod reduction;
mod run;
mod scalar;
mod scalar_body;
mod scope;
mod storage;
mod value;

pub use binding::bind_symbols;
pub use derived::compute_derived;
pub use error::EvaluateError;
pub use evaluator::{EntryPoint, Evaluator, Outcome, evaluate_graph};
pub use initialise::initialise;
pub use kernel::{evaluate_body, run_kernel, run_kernel_in};
pub use kernel_fault::KernelFault;
pub use kernel_plan::{Arrangement, PlanValues, run_plan};
pub use storage::Storage;
pub use value::{Data, Values};
