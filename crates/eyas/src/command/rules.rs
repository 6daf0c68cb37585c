use eyas::{Compiler, Diagnostic, PassTimes};

use super::arguments::{Rules, RulesCheck};
use super::{Outcome, Terminal, output};

pub(crate) fn run(terminal: &Terminal, own: &Rules) -> Outcome {
    match own {
        Rules::Check(own) => check(terminal, own),
        Rules::List => list(terminal),
    }
}

fn list(terminal: &Terminal) -> Outcome {
    let rules = eyas::builtin_rules();
    let rows: Vec<Vec<String>> = rules
        .iter()
        .map(|rule| {
            let family = rule.family.name().to_owned();
            vec![rule.name.clone(), family, rule.documentation.clone()]
        })
        .collect();
    terminal.print(&output::table(&rows))
}

fn check(terminal: &Terminal, own: &RulesCheck) -> Outcome {
    let rules = match &own.file {
        None => eyas::builtin_rules(),
        Some(path) => {
            let source = Compiler::default().load(path, &mut PassTimes::default());
            let rules = source.and_then(|source| source.rules());
            rules.map_err(|error| terminal.fail(&error))?
        }
    };
    if rules.is_empty() {
        let help = "write items such as `rule double_negation(x: f32[..]) { -(-x) => x }`";
        let message = "the file has no rules";
        return Err(terminal.fault(Diagnostic::error("E0609", message).help(help)));
    }
    let report = eyas::check_rules(&rules, own.seed, own.instances);
    terminal.print(&report.to_string())?;
    let failed = report
        .rules
        .iter()
        .filter(|rule| rule.failure.is_some())
        .count();
    if failed > 0 {
        let message = format!("{failed} of {} rules do not hold", rules.len());
        return Err(terminal.fault(Diagnostic::error("E0609", message)));
    }
    Ok(())
}
