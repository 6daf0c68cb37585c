use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use eyas_plan::CudaArchitecture;

/// NVIDIA's own assembler, `ptxas`: a second opinion on every module, with no GPU needed, and the
/// resources that its entries take.
#[derive(Debug, Clone)]
pub struct Assembler {
    path: PathBuf,
    limit: Duration,
}

/// What an entry takes of a GPU.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// The entry's name.
    pub entry: String,
    /// Registers of 32 bits a thread.
    pub registers: u32,
    /// Bytes of shared memory a block, as far as the code declares them.
    pub shared: u32,
    /// Named barriers.
    pub barriers: u32,
    /// Bytes of constant memory, parameters included.
    pub constants: u32,
    /// Bytes of stack a thread.
    pub stack: u32,
    /// Bytes a thread stores because registers do not suffice.
    pub spill_stores: u32,
    /// Bytes a thread loads because registers do not suffice.
    pub spill_loads: u32,
    /// What the assembler warns of.
    pub warnings: Vec<String>,
}

/// What the assembler says of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The line's number, from 1, where one is to blame.
    pub line: Option<usize>,
    /// What it says.
    pub message: String,
    /// The line.
    pub source: String,
}

/// Why a module was not assembled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// It is wrong.
    #[error("ptxas refuses the module for {architecture}:{}", list(.complaints))]
    Refused {
        /// What it was assembled for.
        architecture: CudaArchitecture,
        /// Why; at least one.
        complaints: Vec<Complaint>,
    },
    /// It took too long.
    #[error("ptxas is not done after {} s", .0.as_secs())]
    TimeLimit(Duration),
    /// The assembler cannot be run.
    #[error("`{path}` cannot be run: {message}")]
    Run {
        /// The assembler.
        path: String,
        /// What the system says.
        message: String,
    },
    /// The assembler's report is not understood.
    #[error("ptxas reports what is not understood: {0}")]
    Report(String),
}

fn list(complaints: &[Complaint]) -> String {
    let mut text = String::new();
    for complaint in complaints {
        match complaint.line {
            Some(line) => text += &format!("\n  line {line}: {}", complaint.message),
            None => text += &format!("\n  {}", complaint.message),
        }
        if !complaint.source.is_empty() {
            text += &format!("\n    {}", complaint.source);
        }
    }
    text
}

impl Assembler {
    /// The assembler that the variable `EYAS_PTXAS` names, or the one that `tools/fetch-ptxas` put
    /// into the `target` of the workspace that this runs in.
    pub fn find() -> Option<Assembler> {
        let start = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let start = start.or_else(|| std::env::current_dir().ok())?;
        let fetched = start
            .ancestors()
            .map(|directory| directory.join("target/ptxas/bin/ptxas"));
        let named = std::env::var_os("EYAS_PTXAS").map(PathBuf::from);
        let mut places = named.into_iter().chain(fetched);
        let path = places.find(|path| path.is_file())?;
        let limit = Duration::from_secs(120);
        Some(Assembler { path, limit })
    }

    /// The same, giving up after such a time; else two minutes.
    pub fn with_limit(self, limit: Duration) -> Assembler {
        Assembler { limit, ..self }
    }

    /// Assembles a module for an architecture: what each entry takes, by name.
    ///
    /// # Errors
    /// [`AssembleError`], with the lines to blame, where the module is refused.
    pub fn assemble(
        &self,
        text: &str,
        architecture: CudaArchitecture,
    ) -> Result<Vec<Resources>, AssembleError> {
        let failed = |error: std::io::Error| AssembleError::Run {
            path: self.path.display().to_string(),
            message: error.to_string(),
        };
        let directory = tempfile::tempdir().map_err(failed)?;
        std::fs::write(directory.path().join("module.ptx"), text).map_err(failed)?;
        let status = self.run(directory.path(), architecture, failed)?;
        let report = std::fs::read(directory.path().join("report")).map_err(failed)?;
        let report = String::from_utf8_lossy(&report);
        if status.success() {
            resources(&report)
        } else {
            let complaints = complaints(&report, text, status);
            Err(AssembleError::Refused {
                architecture,
                complaints,
            })
        }
    }

    fn run(
        &self,
        directory: &Path,
        architecture: CudaArchitecture,
        failed: impl Fn(std::io::Error) -> AssembleError,
    ) -> Result<ExitStatus, AssembleError> {
        let report = File::create(directory.join("report")).map_err(&failed)?;
        let mut child = Command::new(&self.path)
            .current_dir(directory)
            .args(["--verbose", "--warn-on-spills", "--gpu-name"])
            .arg(architecture.to_string())
            .args(["module.ptx", "--output-file", "module.cubin"])
            .stdin(Stdio::null())
            .stdout(report.try_clone().map_err(&failed)?)
            .stderr(report)
            .spawn()
            .map_err(&failed)?;
        let end = Instant::now() + self.limit;
        let mut pause = Duration::from_millis(2);
        loop {
            if let Some(status) = child.try_wait().map_err(&failed)? {
                return Ok(status);
            }
            if Instant::now() >= end {
                child.kill().map_err(&failed)?;
                child.wait().map_err(&failed)?;
                return Err(AssembleError::TimeLimit(self.limit));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

/// Reads a report such as
///
/// ```text
/// ptxas info    : Compiling entry function 'add' for 'sm_80'
/// ptxas info    : Function properties for add
///     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
/// ptxas info    : Used 12 registers, used 0 barriers, 1536 bytes smem, 380 bytes cmem[0]
/// ```
fn resources(report: &str) -> Result<Vec<Resources>, AssembleError> {
    let mut entries: Vec<Resources> = Vec::new();
    let mut warnings = Vec::new();
    for line in report.lines() {
        let said = line.split_once(" : ").map_or(line, |(_, said)| said).trim();
        if let Some(rest) = said.strip_prefix("Compiling entry function '") {
            let name = rest.split('\'').next().unwrap_or(rest);
            entries.push(Resources {
                entry: name.to_owned(),
                warnings: std::mem::take(&mut warnings),
                ..Resources::default()
            });
        } else if line.starts_with("ptxas warning") {
            let said = line.split_once(": ").map_or(line, |(_, said)| said);
            warnings.push(said.to_owned());
        } else if said.starts_with("Used ") || said.contains(" bytes stack frame") {
            let misread = || AssembleError::Report(line.to_owned());
            let entry = entries.last_mut().ok_or_else(misread)?;
            for part in said.trim_start_matches("Used ").split(", ") {
                let part = part.trim_start_matches("used ");
                let (count, what) = part.split_once(' ').ok_or_else(misread)?;
                let count: u32 = count.parse().map_err(|_| misread())?;
                match what {
                    "registers" => entry.registers = count,
                    "barriers" => entry.barriers = count,
                    "bytes smem" => entry.shared = count,
                    "bytes stack frame" => entry.stack = count,
                    "bytes spill stores" => entry.spill_stores = count,
                    "bytes spill loads" => entry.spill_loads = count,
                    what if what.starts_with("bytes cmem") => entry.constants += count,
                    _ => {}
                }
            }
        }
    }
    if let Some(last) = entries.last_mut() {
        last.warnings.append(&mut warnings);
    }
    entries.sort_by(|a, b| a.entry.cmp(&b.entry));
    Ok(entries)
}

/// Reads lines such as `ptxas module.ptx, line 9; error   : Arguments mismatch for instruction 'add'`.
fn complaints(report: &str, text: &str, status: ExitStatus) -> Vec<Complaint> {
    let mut complaints: Vec<Complaint> = Vec::new();
    for said in report.lines() {
        let Some((place, message)) = said.split_once(" : ") else {
            continue;
        };
        let line = place.split_once(", line ").and_then(|(_, rest)| {
            let number = rest.split(';').next()?;
            number.trim().parse::<usize>().ok()
        });
        if !place.contains("error") && !place.contains("fatal") {
            continue;
        }
        if line.is_none() && !complaints.is_empty() {
            continue;
        }
        let source = line.and_then(|line| text.lines().nth(line.checked_sub(1)?));
        complaints.push(Complaint {
            line,
            message: message.trim().to_owned(),
            source: source.unwrap_or_default().trim().to_owned(),
        });
    }
    if complaints.is_empty() {
        let message = format!("{status}: {}", report.trim());
        complaints.push(Complaint {
            line: None,
            message,
            source: String::new(),
        });
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `None`, and loudly so, where there is no assembler.
    fn assembler() -> Option<Assembler> {
        let found = Assembler::find();
        if found.is_none() {
            eprintln!("SKIPPED: there is no ptxas; run tools/fetch-ptxas");
        }
        found
    }

    fn module(directives: &str, body: &str) -> String {
        format!(
            ".version 8.0\n.target sm_80\n.address_size 64\n\
             .visible .entry twice(.param .u64 data)\n{directives}\n{{\n\
             .reg .u64 %a<4>;\n.reg .f32 %f<300>;\n\
             ld.param.u64 %a1, [data];\ncvta.to.global.u64 %a1, %a1;\n{body}ret;\n}}\n"
        )
    }

    const TWICE: &str =
        "ld.global.f32 %f1, [%a1];\nadd.rn.f32 %f1, %f1, %f1;\nst.global.f32 [%a1], %f1;\n";

    #[test]
    fn the_resources_of_an_entry_are_read() {
        let Some(assembler) = assembler() else { return };
        let shared = format!(".shared .align 16 .b8 tile[512];\nbar.sync 0;\n{TWICE}");
        let text = module("", &shared);
        let found = assembler.assemble(&text, CudaArchitecture::Sm80).unwrap();
        assert_eq!(found.len(), 1);
        let found = &found[0];
        assert_eq!((found.entry.as_str(), found.barriers), ("twice", 1));
        assert!((4..32).contains(&found.registers), "{found:?}");
        assert!(found.constants > 8, "{found:?}");
        assert_eq!(
            (found.stack, found.spill_stores, found.spill_loads),
            (0, 0, 0)
        );
        assert_eq!(found.warnings, [""; 0]);
    }

    #[test]
    fn code_for_ampere_alone_is_not_code_for_hopper_alone() {
        let Some(assembler) = assembler() else { return };
        let text = module("", TWICE);
        for architecture in CudaArchitecture::ALL {
            assert!(assembler.assemble(&text, architecture).is_ok());
        }
        let hopper = text.replace("sm_80", "sm_90a");
        assert!(assembler.assemble(&hopper, CudaArchitecture::Sm90a).is_ok());
        let error = assembler.assemble(&hopper, CudaArchitecture::Sm80);
        assert!(
            matches!(error, Err(AssembleError::Refused { .. })),
            "{error:?}"
        );
    }

    #[test]
    fn a_refusal_names_the_lines() {
        let Some(assembler) = assembler() else { return };
        let text = module("", &TWICE.replace("add.rn.f32 %f1", "add.rn.f32 %a1"));
        let error = assembler
            .assemble(&text, CudaArchitecture::Sm80)
            .unwrap_err();
        let AssembleError::Refused { complaints, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(complaints.len(), 1);
        let source = text.lines().nth(complaints[0].line.unwrap() - 1).unwrap();
        assert_eq!(source, "add.rn.f32 %a1, %f1, %f1;");
        assert!(error.to_string().contains("Arguments mismatch"), "{error}");
        assert!(error.to_string().contains(source), "{error}");

        let error = assembler
            .assemble("nonsense", CudaArchitecture::Sm80)
            .unwrap_err();
        assert!(error.to_string().contains("ptxas refuses"), "{error}");
    }

    #[test]
    fn spills_are_counted_and_warned_of() {
        let Some(assembler) = assembler() else { return };
        let mut body = String::new();
        for number in 0..256 {
            body += &format!("ld.volatile.global.f32 %f{number}, [%a1+{}];\n", 4 * number);
        }
        for number in (0..256).rev() {
            body += &format!("st.volatile.global.f32 [%a1+{}], %f{number};\n", 4 * number);
        }
        let text = module(".maxnreg 64", &body);
        let found = assembler.assemble(&text, CudaArchitecture::Sm80).unwrap();
        assert!(found[0].registers <= 64, "{found:?}");
        assert!(found[0].spill_stores >= 4 * 128, "{found:?}");
        assert!(
            found[0].spill_loads >= 4 * 128 && found[0].stack >= 4 * 128,
            "{found:?}"
        );
        assert!(found[0].warnings[0].contains("spill"), "{found:?}");
    }

    #[test]
    fn it_stops_at_the_limit_and_says_when_it_cannot_run() {
        let Some(assembler) = assembler() else { return };
        let hasty = assembler.with_limit(Duration::ZERO);
        let text = module("", &TWICE.repeat(2_000));
        let error = hasty.assemble(&text, CudaArchitecture::Sm80).unwrap_err();
        assert_eq!(error, AssembleError::TimeLimit(Duration::ZERO));
        let absent = Assembler {
            path: PathBuf::from("/no/such/ptxas"),
            ..hasty
        };
        let error = absent.assemble("", CudaArchitecture::Sm80).unwrap_err();
        assert!(error.to_string().contains("/no/such/ptxas"), "{error}");
    }
}
