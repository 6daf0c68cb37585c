//! Commands, a file each. Exit 0 on success, 1 on an error that is explained, 2 on wrong usage.

mod arguments;
mod check;
mod compile;
mod completions;
mod data;
mod dump;
mod eval;
mod explain;
mod fmt;
mod input;
mod inspect;
mod opt;
mod output;
mod rules;
mod run;
mod targets;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use terminal::Terminal;

/// Why a command stops: what was to be said has been said.
pub(crate) struct Failed;

/// What a command gives back.
pub(crate) type Outcome = Result<(), Failed>;

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let terminal = Terminal::new(&arguments.global);
    let outcome = match &arguments.command {
        Command::Check(own) => check::run(&terminal, own),
        Command::Fmt(own) => fmt::run(&terminal, own),
        Command::Compile(own) => compile::run(&terminal, own),
        Command::Run(own) => run::run(&terminal, own),
        Command::Eval(own) => eval::run(&terminal, own),
        Command::Dump(own) => dump::run(&terminal, own),
        Command::Opt(own) => opt::run(&terminal, own),
        Command::Rules(own) => rules::run(&terminal, own),
        Command::Explain(own) => explain::run(&terminal, own),
        Command::Inspect(own) => inspect::run(&terminal, own),
        Command::Targets(own) => targets::run(&terminal, own),
        Command::Completions(own) => completions::run(&terminal, own),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed) => ExitCode::FAILURE,
    }
}
