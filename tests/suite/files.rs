//! Each file in `tests/files` is a test: a model, the passes or the stage that its first lines
//! name, and the snapshot of what comes out.

use std::path::Path;

use eyas::{Compiler, PassTimes, Source, TextOptions};

/// What the first lines say: `# NAME: VALUE`.
fn directive<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    let mut values = lines.filter_map(|line| {
        let (key, value) = line[1..].split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    });
    values.next()
}

fn outcome(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    if let Some(passes) = directive(&text, "passes") {
        let passes: Vec<&str> = passes.split(',').map(str::trim).collect();
        return eyas::snapshot(path, &passes).unwrap();
    }
    let compiler = Compiler {
        machines: vec![eyas::Machine::cpu(eyas::Isa::V4)],
        ..Compiler::default()
    };
    let times = &mut PassTimes::default();
    let source = compiler.load(path, times).unwrap();
    let stage = directive(&text, "stage").expect("a file names its passes or a stage");
    at_stage(&compiler, &source, stage, times)
}

fn at_stage(compiler: &Compiler, source: &Source, stage: &str, times: &mut PassTimes) -> String {
    if stage == "graph" {
        return source.module().to_text(TextOptions::default());
    }
    let optimised = compiler.optimise(source, times).unwrap();
    if stage == "canonical" {
        return optimised.canonical.to_text(TextOptions::default());
    }
    let (machine, constants) = (&compiler.machines[0], &mut Vec::new());
    let target = compiler
        .target(source, &optimised, &[], machine, constants, times)
        .unwrap();
    match stage {
        "kernels" => target
            .kernels
            .iter()
            .map(|kernel| format!("{kernel}\n"))
            .collect(),
        "plan" => target.program.plan_text(),
        _ => panic!("no stage `{stage}`"),
    }
}

#[test]
fn files_give_what_their_snapshots_say() {
    insta::glob!("../files", "*.eyas", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let shows = directive(&text, "shows")
            .expect("a file says what it shows")
            .to_owned();
        insta::with_settings!({ description => shows, omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../files" }, {
            insta::assert_snapshot!(outcome(path));
        });
    });
}
