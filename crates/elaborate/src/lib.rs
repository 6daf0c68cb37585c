//! Elaboration: scopes, layers, labels, prelude and dims; AST to graph.
//!
//! [`elaborate`] runs the models of a file as if their layers were macros of tensors: every call
//! of a layer is a body run under a label path, every parameter gets its path, and what remains
//! is a graph with a type and an origin on every node. Dims stay symbols; what `where` and
//! `assert` say of them is proved, refuted, or kept as a fact that a run checks. `repeat` becomes
//! one `Loop` where its body is the same in every iteration. The rules for element types are with
//! the built-in functions, in `builtin.rs`.
//!
//! ```
//! use eyas_diagnostic::SourceMap;
//! use eyas_elaborate::{Options, elaborate};
//!
//! let mut sources = SourceMap::new();
//! let text = "dim B\nmodel M(x: f32[B, 4]) -> (y: f32[B, 2]) { return x |> fc: Linear(2) |> relu }\n";
//! let file = sources.add("m.eyas", text);
//! let parsed = eyas_syntax::parse(text, file);
//! let mut no_files = |path: &str, _: &str| Err(format!("`{path}` is not there"));
//! let program = elaborate(&parsed.file, &mut sources, &Options::default(), &mut no_files);
//! assert!(!program.has_errors());
//! assert_eq!(program.module.parameters["fc.w"].ty.to_string(), "f32[4, 2]");
//! ```

mod activation;
mod builtin;
mod call;
mod contraction;
mod dims;
mod elaborated;
mod elaborator;
mod expression;
mod frame;
mod index;
mod lint;
mod model;
mod names;
mod operator;
mod options;
mod parameter;
mod path;
mod pattern;
mod prelude;
mod program;
mod quantize;
mod repeat;
mod run;
mod scalar;
mod selector;
mod side;
mod signature;
mod statement;
mod train;
mod value;
mod visit;

pub use elaborated::{
    DataFormat, DataInfo, DataSource, Elaborated, MetricInfo, MetricKind, ModelInfo, Port, Setting,
    TrainInfo,
};
pub use options::{Loaded, Loader, Options};
pub use run::{elaborate, prelude_sources};
