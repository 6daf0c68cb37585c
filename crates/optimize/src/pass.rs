use std::time::Instant;

use eyas_ir::Module;

use crate::report::{PassReport, Report};
use crate::{Error, Options, decompose, hoist, loops, merge, rewriting, subexpression};

/// A pass over a module.
#[derive(Debug, Clone, Copy)]
pub struct PassInfo {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub description: &'static str,
    /// Does it.
    pub run: fn(&mut Module, &Options, &mut PassReport) -> Result<(), Error>,
}

const PASSES: [PassInfo; 12] = [
    PassInfo {
        name: "canonicalise",
        description: "Recognises composites written by hand: softmax, norms, gelu and the like.",
        run: rewriting::canonicalise,
    },
    PassInfo {
        name: "optimize",
        description: "Searches for the form that costs least, by all rewrite rules.",
        run: rewriting::optimize,
    },
    PassInfo {
        name: "fold",
        description: "Computes what is known at compile time.",
        run: rewriting::fold,
    },
    PassInfo {
        name: "decompose",
        description: "Replaces composites by the primitives that they are made of.",
        run: decompose::decompose,
    },
    PassInfo {
        name: "dead-code",
        description: "Removes nodes that no output needs.",
        run: subexpression::dead_code,
    },
    PassInfo {
        name: "common-subexpression",
        description: "Makes nodes that compute the same one node.",
        run: subexpression::common_subexpression,
    },
    PassInfo {
        name: "merge-contractions",
        description: "Merges products of one value with several weights into a wide one.",
        run: merge::merge_contractions,
    },
    PassInfo {
        name: "hoist-parameters",
        description: "Computes what depends on parameters alone when weights are bound.",
        run: hoist::hoist_parameters,
    },
    PassInfo {
        name: "inline-trivial-loops",
        description: "Replaces loops of no or one iteration by what they compute.",
        run: loops::inline_pass,
    },
    PassInfo {
        name: "peel",
        description: "Takes the first iteration of each loop out of it.",
        run: loops::peel_pass,
    },
    PassInfo {
        name: "unroll",
        description: "Replaces loops of a known number of iterations by the iterations.",
        run: loops::unroll_pass,
    },
    PassInfo {
        name: "split-range",
        description: "Splits each loop of a known number of iterations in the middle.",
        run: loops::split_pass,
    },
];

/// All passes.
pub fn passes() -> &'static [PassInfo] {
    &PASSES
}

/// The passes that [`optimize`] runs.
const USUAL: [&str; 4] = ["canonicalise", "optimize", "hoist-parameters", "dead-code"];

/// Runs passes by name, one after the other, and says what they did.
///
/// # Errors
/// [`Error::UnknownPass`], [`Error::Verify`] where the options ask to verify, and what a pass says.
pub fn run_passes(
    module: &mut Module,
    names: &[&str],
    options: &Options,
    report: &mut Report,
) -> Result<(), Error> {
    for name in names {
        let found = PASSES.iter().find(|pass| pass.name == *name);
        let pass = found.ok_or_else(|| Error::UnknownPass((*name).to_owned()))?;
        let mut own = PassReport {
            name: pass.name.to_owned(),
            ..PassReport::default()
        };
        let start = Instant::now();
        (pass.run)(module, options, &mut own)?;
        own.time = start.elapsed();
        report.passes.push(own);
        if options.verify {
            module.verify().map_err(|error| Error::Verify {
                pass: pass.name.to_owned(),
                error: Box::new(error),
            })?;
        }
    }
    Ok(())
}

/// The usual passes: canonicalise, optimize, hoist-parameters, dead-code.
///
/// # Errors
/// As [`run_passes`].
pub fn optimize(module: &mut Module, options: &Options) -> Result<Report, Error> {
    let mut report = Report::default();
    run_passes(module, &USUAL, options, &mut report)?;
    Ok(report)
}
