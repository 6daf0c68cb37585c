//! Canonicalisation and e-graph rewrites: language, analysis, rules, cost model, extraction; and
//! the passes over whole modules.
//!
//! [`optimize`] runs the usual passes. A pass by itself runs by its name ([`run_passes`]); what
//! it did is in the [`Report`]. A rewrite is a [`Rule`], and [`check_rules`] tests it on random
//! instances.
//!
//! ```
//! use eyas_ir::Module;
//! use eyas_optimize::{Options, optimize};
//! let mut module = Module::from_text(
//!     "module
//!      symbol B
//!      parameter w : f32[8, 4]
//!      parameter b : f32[4]
//!      graph #0 main {
//!        %0 = input x : f32[B, 8]
//!        %1 = parameter w : f32[8, 4]
//!        %2 = parameter b : f32[4]
//!        %3 = contraction %0, %1 spec=\"ab,bc->ac\" accumulator=f32 : f32[B, 4]
//!        %4 = broadcast %2 shape=[\"B\", \"4\"] : f32[B, 4]
//!        %5 = add %3, %4 : f32[B, 4]
//!        %6 = relu %5 : f32[B, 4]
//!        return y = %6
//!      }
//!      entry main = #0 inference",
//! )
//! .unwrap();
//! optimize(&mut module, &Options::default()).unwrap();
//! // One contraction is left, which adds the bias and cuts off below zero before it stores.
//! assert_eq!(module.graphs[0].node_count(), 4);
//! ```

mod analysis;
mod arena;
mod builder;
mod check;
mod cost;
mod decompose;
mod error;
mod explain;
mod extract;
mod hoist;
mod instance;
mod load;
mod loops;
mod merge;
mod options;
mod pass;
mod pattern;
mod range;
mod report;
mod rewriting;
mod rule;
mod rules;
mod saturate;
mod subexpression;
mod term;
mod user_rule;
mod write;

pub use builder::Builder;
pub use check::{CheckReport, Example, Failure, RuleCheck, TOLERANCE, check_rules, example};
pub use cost::{CostTable, NOMINAL_EXTENT};
pub use error::Error;
pub use instance::Instance;
pub use loops::{inline_trivial_loops, peel, split_range, unroll};
pub use options::{Limits, Math, Options};
pub use pass::{PassInfo, optimize, passes, run_passes};
pub use pattern::{Match, Pattern};
pub use report::{GraphReport, PassReport, Report, Stop};
pub use rule::{Exactness, Family, Matched, Premises, Rule};
pub use rules::rules;
pub use term::Kind;
pub use user_rule::rules_from_source;
