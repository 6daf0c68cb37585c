//! What runs: kernel sets from files, sessions, and the data of a `train` block.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use eyas::{
    Compiler, DataFormat, DataInfo, Dataset, Device, Diagnostic, KernelSet, ParameterKind,
    PassTimes, Pool, RuntimeError, Session, SessionOptions, Setting, Source, Tensor,
};

use super::arguments::{CompileOptions, DeviceOptions, TargetKind};
use super::{Failed, Terminal, input};

/// A kernel set that is ready to run, and the source that it was compiled from here.
pub(crate) struct Loaded {
    pub(crate) set: Arc<KernelSet>,
    pub(crate) source: Option<Source>,
}

impl Loaded {
    /// Reports an error of a run with the spans of the source.
    pub(crate) fn fail(&self, terminal: &Terminal, error: &RuntimeError) -> Failed {
        terminal.fail(&eyas::runtime_fault(error, self.source.as_ref()))
    }
}

/// Loads a kernel set, or compiles a source file.
pub(crate) fn load(
    terminal: &Terminal,
    path: &Path,
    options: &CompileOptions,
    device: &DeviceOptions,
) -> Result<Loaded, Failed> {
    if !is_kernel_set(path) {
        let mut times = PassTimes::default();
        let compiler = Compiler {
            machines: input::machines(options, device.interpret),
            ..input::compiler(terminal, options)?
        };
        let source = input::load(terminal, &compiler, path, &mut times)?;
        let set = compiler
            .compile_source(&source, &mut times)
            .map_err(|error| terminal.fail(&error))?;
        input::times(terminal, options, &times);
        let total = times.total().as_secs_f64() * 1e3;
        terminal.say(&format!("compiled `{}` in {total:.1} ms", path.display()));
        let trained = |(_, kind)| kind == ParameterKind::Parameter;
        if options.weights.is_none() && set.parameters().any(trained) {
            terminal.say("no weights are given, so the parameters are as initialised");
        }
        return Ok(Loaded {
            set: Arc::new(set),
            source: Some(source),
        });
    }
    if !options.bind.is_empty() || !options.specialize.is_empty() {
        let message = "`--bind` and `--specialize` are for the compiler";
        let help = "give them to `eyas compile`; a kernel set is compiled already";
        return Err(terminal.fault(Diagnostic::error("E0611", message).help(help)));
    }
    let set =
        KernelSet::load(path).map_err(|error| terminal.fail(&eyas::runtime_fault(&error, None)))?;
    let set = match input::weights(terminal, options)? {
        Some(weights) => {
            eyas::bind_weights(&set, weights, None).map_err(|error| terminal.fail(&error))?
        }
        None => set,
    };
    Ok(Loaded {
        set: Arc::new(set),
        source: None,
    })
}

/// A file that says it is a kernel set, by its first bytes or its name.
fn is_kernel_set(path: &Path) -> bool {
    let mut first = [0; 8];
    let read = std::fs::File::open(path)
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut first));
    (read.is_ok() && &first == b"EYASKSET") || path.extension().is_some_and(|end| end == "kset")
}

/// A session on an entry point: the one that was asked for, or the only one.
pub(crate) fn session(
    terminal: &Terminal,
    loaded: &Loaded,
    options: &CompileOptions,
    device: &DeviceOptions,
) -> Result<Session, Failed> {
    let fail = |error: &RuntimeError| loaded.fail(terminal, error);
    let device = on_device(&loaded.set, options, device);
    let device = device.map_err(|error| fail(&error))?;
    let pool = match options.threads {
        Some(1) => None,
        Some(count) => Some(Pool::new(count.into())),
        None => Some(Pool::of_machine()),
    };
    let pool = pool.transpose().map_err(|error| {
        let message = format!("no threads can be had: {error}");
        terminal.fault(Diagnostic::error("E0410", message))
    })?;
    let options_of_session = SessionOptions {
        device,
        pool: pool.map(Arc::new),
        ..SessionOptions::default()
    };
    let mut session =
        Session::with_options(&loaded.set, options_of_session).map_err(|error| fail(&error))?;
    let entries = loaded.set.entries();
    match &options.model {
        Some(name) => session.select(name).map_err(|error| fail(&error))?,
        None if entries.len() > 1 => {
            let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
            let message = format!("there are several models: {}", names.join(", "));
            let diagnostic = Diagnostic::error("E0611", message);
            return Err(terminal.fault(diagnostic.help("name one: `--model NAME`")));
        }
        None => {}
    }
    Ok(session)
}

/// The device that a run is to take: the first target that was asked for, or else the processor
/// where there is code for it.
fn on_device(
    set: &KernelSet,
    options: &CompileOptions,
    device: &DeviceOptions,
) -> Result<Option<Device>, RuntimeError> {
    if device.interpret {
        return Ok(Some(Device::interpreter()));
    }
    let for_cpu = |machine: &eyas::Machine| machine.isa().is_some();
    let cuda = match options.target.first() {
        Some(target) => *target == TargetKind::Cuda,
        None => !set.machines().iter().any(for_cpu),
    };
    match cuda {
        true => Ok(Some(Device::cuda(device.device)?)),
        false => Ok(None),
    }
}

/// The examples of a split in the formats that `data` lines name.
pub(crate) fn split(
    terminal: &Terminal,
    data: &DataInfo,
    folder: &Path,
    split: &str,
) -> Result<Dataset, Failed> {
    let source = &data.source;
    if source.format != DataFormat::Idx {
        let name = source.format.name();
        let message = format!("examples cannot be read from `{name}` yet");
        let help = "`idx(train = \"train\", test = \"t10k\")` reads files in the manner of MNIST";
        return Err(terminal.fault(Diagnostic::error("E0802", message).help(help)));
    }
    let named = |name: &str| source.named.get(name);
    let Some(prefix) = named(split).and_then(Setting::as_text) else {
        let texts = source
            .named
            .iter()
            .filter(|(_, value)| value.as_text().is_some());
        let known: Vec<&str> = texts.map(|(name, _)| name.as_str()).collect();
        let message = format!("the `data` line has no split `{split}`");
        let note = format!("its splits are {}", known.join(", "));
        return Err(terminal.fault(Diagnostic::error("E0802", message).note(note)));
    };
    let scale = named("scale").and_then(Setting::as_f64).unwrap_or(1.0);
    Dataset::open_idx(folder, prefix, scale)
        .map_err(|error| terminal.fault(Diagnostic::error("E0802", error.to_string())))
}

/// The tensors of the files that were named for inputs.
pub(crate) fn tensors(
    terminal: &Terminal,
    files: &[(String, std::path::PathBuf)],
) -> Result<BTreeMap<String, Tensor>, Failed> {
    let mut tensors = BTreeMap::new();
    for (name, path) in files {
        let tensor = eyas::read_tensor(path).map_err(|error| terminal.fail(&error))?;
        if tensors.insert(name.clone(), tensor).is_some() {
            let message = format!("input `{name}` is given twice");
            return Err(terminal.fault(Diagnostic::error("E0402", message)));
        }
    }
    Ok(tensors)
}
