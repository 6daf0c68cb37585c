use eyas::{Device, DeviceDescription, Isa};

use super::arguments::{TableFormat, Targets};
use super::{Outcome, Terminal, output};

pub(crate) fn run(terminal: &Terminal, own: &Targets) -> Outcome {
    let architecture = std::env::consts::ARCH;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let devices = Device::list();
    if own.format == TableFormat::Json {
        let sets = Isa::ALL.map(|isa| {
            serde_json::json!({
                "isa": isa,
                "supported": isa.is_supported(),
                "missing": isa.missing(),
            })
        });
        let cuda = match &devices {
            Ok(devices) => serde_json::json!({ "devices": devices }),
            Err(error) => serde_json::json!({ "devices": [], "reason": error.to_string() }),
        };
        let value = serde_json::json!({
            "cpu": { "architecture": architecture, "threads": threads, "native": Isa::native(), "sets": sets },
            "cuda": cuda,
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
    match devices {
        Ok(devices) => {
            text.push_str(&format!("cuda: {} devices\n", devices.len()));
            let rows: Vec<Vec<String>> = devices.iter().map(row).collect();
            text.push_str(&output::table(&rows));
        }
        Err(error) => text.push_str(&format!("cuda: {error}\n")),
    }
    text.push_str("ptx interpreter: runs code for GPUs here, with `--interpret`\n");
    terminal.print(&text)
}

fn row(device: &DeviceDescription) -> Vec<String> {
    let (major, minor) = device.capability;
    let ordinal = device.ordinal.unwrap_or(0);
    let driver = device.driver.as_deref().unwrap_or("unknown");
    vec![
        format!("  {ordinal}"),
        device.name.clone(),
        format!("compute capability {major}.{minor}"),
        output::bytes(device.memory),
        format!("driver for CUDA {driver}"),
    ]
}
