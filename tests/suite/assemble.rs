//! A second opinion on code for GPUs.

use eyas::KernelSet;
use eyas_ptx::Assembler;

/// NVIDIA's assembler takes the code for GPUs that a set holds, and keeps the sums of contractions
/// in registers.
pub fn assemble(set: &KernelSet) {
    // In every order the modules are those of the first.
    if std::env::var("EYAS_CUDA_STUB_ORDER").is_ok_and(|order| order != "late") {
        return;
    }
    for machine in set.machines() {
        let Some(architecture) = machine.cuda() else {
            continue;
        };
        let Some(assembler) = Assembler::find() else {
            eprintln!("SKIPPED: there is no ptxas, so no module is assembled (tools/fetch-ptxas)");
            return;
        };
        let ptx = set.ptx(architecture).unwrap();
        let entries = assembler.assemble(ptx, architecture);
        let entries = entries.unwrap_or_else(|error| panic!("{error}\n{ptx}"));
        for entry in entries {
            let spilled = entry.spill_stores + entry.spill_loads;
            let name = &entry.entry;
            assert!(
                spilled == 0 || !is_contraction(ptx, name),
                "contraction `{name}` spills {spilled} bytes for {architecture}\n{ptx}"
            );
        }
    }
}

/// Whether the comment above an entry says so.
fn is_contraction(ptx: &str, entry: &str) -> bool {
    let above = ptx.split(&format!(".entry {entry}(")).next().unwrap();
    let mut lines = above.lines().rev().skip(1);
    let comment = lines.by_ref().take_while(|line| line.starts_with("//"));
    comment
        .into_iter()
        .any(|line| line.starts_with("// contraction "))
}
