use eyas::Isa;

use super::arguments::{TableFormat, Targets};
use super::{Outcome, Terminal, output};

pub(crate) fn run(terminal: &Terminal, own: &Targets) -> Outcome {
    let architecture = std::env::consts::ARCH;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if own.format == TableFormat::Json {
        let sets = Isa::ALL.map(|isa| {
            serde_json::json!({
                "isa": isa,
                "supported": isa.is_supported(),
                "missing": isa.missing(),
            })
        });
        let value = serde_json::json!({
            "cpu": { "architecture": architecture, "threads": threads, "native": Isa::native(), "sets": sets }
        });
        return terminal.print(&format!("{value:#}\n"));
    }
    let mut text = format!(
        "cpu: {architecture}, {threads} threads, native is {}\n",
        Isa::native()
    );
    let rows: Vec<Vec<String>> = Isa::ALL
        .iter()
        .map(|isa| {
            let missing = isa.missing();
            let state = match missing.is_empty() {
                true => "runs here".to_owned(),
                false => format!("lacks {}", missing.join(", ")),
            };
            vec![format!("  {isa}"), state]
        })
        .collect();
    text.push_str(&output::table(&rows));
    terminal.print(&text)
}
