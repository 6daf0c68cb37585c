//! The same source gives the same bytes, at every stage and in the kernel set.

use eyas::{Compiler, PassTimes, TextOptions};

use crate::program::repository;

const EXAMPLES: [&str; 3] = [
    "examples/mnist.eyas",
    "examples/encoder.eyas",
    "examples/decoder.eyas",
];

/// Every stage as text, one after the other, and the kernel set.
fn stages(file: &str) -> (Vec<String>, Vec<u8>) {
    let compiler = Compiler {
        listings: true,
        ..Compiler::default()
    };
    let times = &mut PassTimes::default();
    let source = compiler.load(repository(file), times).unwrap();
    let optimised = compiler.optimise(&source, times).unwrap();
    let target = compiler
        .target(
            &source,
            &optimised,
            &[],
            &compiler.machines[0],
            &mut Vec::new(),
            times,
        )
        .unwrap();
    let options = TextOptions { origins: true };
    let listings = target.listings.iter();
    let stages = vec![
        source.tree().to_text(),
        source.module().to_text(options),
        optimised.canonical.to_text(options),
        format!("{}{}", optimised.report, optimised.module.to_text(options)),
        target.kernels.iter().map(ToString::to_string).collect(),
        target.program.plan_text(),
        listings
            .clone()
            .filter_map(|listing| listing.clif.clone())
            .collect(),
        listings.map(|listing| listing.asm.clone()).collect(),
        source.module().to_dot(),
        source.module().to_svg().unwrap(),
    ];
    let set = compiler.compile_source(&source, times).unwrap();
    (stages, set.to_bytes().unwrap())
}

#[test]
fn every_stage_gives_the_same_bytes_twice() {
    for file in EXAMPLES {
        let (first, second) = (stages(file), stages(file));
        for (place, (a, b)) in first.0.iter().zip(&second.0).enumerate() {
            assert_eq!(a, b, "{file}, stage {place}");
        }
        assert!(first.1 == second.1, "{file}: the kernel sets differ");
    }
}

#[test]
fn examples_are_laid_out_as_the_formatter_does_it() {
    for file in EXAMPLES {
        let text = eyas::read_source(&repository(file)).unwrap();
        let formatted = eyas::format(file, &text).unwrap();
        assert_eq!(formatted, text);
        assert_eq!(eyas::format(file, &formatted).unwrap(), formatted);
    }
}
