use clap::CommandFactory;

use super::arguments::{Arguments, Completions};
use super::{Outcome, Terminal};

pub(crate) fn run(terminal: &Terminal, own: &Completions) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(own.shell, &mut Arguments::command(), "eyas", &mut script);
    terminal.print(&String::from_utf8_lossy(&script))
}
