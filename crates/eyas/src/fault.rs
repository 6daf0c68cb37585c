//! Errors of the stages as diagnostics, with the spans of what they speak of.

use eyas_cpu::CpuError;
use eyas_diagnostic::{Diagnostic, Span};
use eyas_ptx::PtxError;
use eyas_runtime::{DeviceError, FormatError, RuntimeError, WeightFault};
use eyas_schedule::ScheduleError;
use eyas_tensor::BindError;

use crate::{Error, Source};

/// An error of the runtime; the source, where there is one, gives the spans.
pub fn runtime_fault(error: &RuntimeError, source: Option<&Source>) -> Error {
    let diagnostics = match error {
        RuntimeError::Weights(faults) => {
            let faults = faults.iter();
            faults.map(|fault| weight_fault(fault, source)).collect()
        }
        RuntimeError::MissingValues(paths) => {
            let faults = paths.iter().map(|path| missing_value(path, source));
            faults.collect()
        }
        _ => vec![single(error, source)],
    };
    with_sources(diagnostics, source)
}

fn with_sources(diagnostics: Vec<Diagnostic>, source: Option<&Source>) -> Error {
    let sources = source.map(|source| source.sources().clone());
    Error::new(diagnostics, sources.unwrap_or_default())
}

fn missing_value(path: &str, source: Option<&Source>) -> Diagnostic {
    let message = format!("parameter `{path}` has no value");
    let diagnostic = Diagnostic::error("E0301", message)
        .help("give a file that has all parameters: `--weights FILE.safetensors`");
    at(diagnostic, parameter(path, source), "declared here")
}

fn weight_fault(fault: &WeightFault, source: Option<&Source>) -> Diagnostic {
    let (code, path) = match fault {
        WeightFault::Missing { path, .. } => ("E0301", path),
        WeightFault::Extra(path) => ("E0302", path),
        WeightFault::WrongShape { path, .. } => ("E0303", path),
        WeightFault::WrongDtype { path, .. } => ("E0304", path),
        WeightFault::Frozen(path) => ("E0305", path),
    };
    let diagnostic = Diagnostic::error(code, format!("the weights do not fit: {fault}"));
    let help = match fault {
        WeightFault::Extra(path) => source.and_then(|source| {
            let known = source.module().parameters.keys();
            let near = eyas_diagnostic::suggest(path, known.map(String::as_str))?;
            Some(format!("there is a parameter `{near}`"))
        }),
        _ => None,
    };
    let diagnostic = match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    };
    at(diagnostic, parameter(path, source), "declared here")
}

fn parameter(path: &str, source: Option<&Source>) -> Option<Span> {
    source?.module().parameter(path)?.span
}

fn input(name: &str, source: Option<&Source>) -> Option<Span> {
    let models = source?.elaborated().models.iter();
    let mut inputs = models.flat_map(|model| &model.inputs);
    Some(inputs.find(|port| port.name == name)?.span)
}

/// The diagnostic with a label, where there is a place for it.
fn at(diagnostic: Diagnostic, span: Option<Span>, label: &str) -> Diagnostic {
    match span {
        Some(span) => diagnostic.primary(span, label),
        None => diagnostic,
    }
}

fn single(error: &RuntimeError, source: Option<&Source>) -> Diagnostic {
    let plain = |code| Diagnostic::error(code, error.to_string());
    let on_input = |code, name: &str| at(plain(code), input(name, source), "the input");
    match error {
        RuntimeError::File { .. } => plain("E0601"),
        RuntimeError::Format(format) => format_fault(format),
        RuntimeError::UnsupportedCpu(_) => {
            plain("E0503").help("compile the model for this machine: `--cpu native`")
        }
        RuntimeError::NoCpuCode(_) => plain("E0503")
            .help("run it on a GPU, `--target cuda`, or compile it for both, `--target cpu,cuda`"),
        RuntimeError::NoDeviceCode { .. } => {
            plain("E0508").help("compile the model for GPUs too: `--target cpu,cuda`")
        }
        RuntimeError::Device(error) => device_fault(error),
        RuntimeError::DeviceKernel { .. } | RuntimeError::DeviceRun { .. } => plain("E0411"),
        RuntimeError::DeviceMemory { .. } => plain("E0409").help("use a smaller batch"),
        RuntimeError::MissingInput(name) => {
            on_input("E0401", name).help(format!("give a tensor: `--input {name}=FILE.npy`"))
        }
        RuntimeError::InputCount { .. } => plain("E0401"),
        RuntimeError::UnknownInput { name, known } => {
            let near = eyas_diagnostic::suggest(name, known.iter().map(String::as_str));
            match near {
                Some(near) => plain("E0402").help(format!("there is an input `{near}`")),
                None => plain("E0402"),
            }
        }
        RuntimeError::RepeatedInput(name) => on_input("E0402", name),
        RuntimeError::WrongDtype {
            input: name,
            expected,
            ..
        } => on_input("E0403", name).help(format!("convert the tensor to {expected}")),
        RuntimeError::WrongRank { input: name, .. } => on_input("E0404", name),
        RuntimeError::Bind(BindError::Extent {
            input: name,
            sources,
            ..
        }) => {
            let mut diagnostic = on_input("E0405", name);
            for other in sources.iter().filter(|other| other.input != *name) {
                if let Some(span) = input(&other.input, source) {
                    let label = format!("`{}` is {} by this", other.symbol, other.value);
                    diagnostic = diagnostic.secondary(span, label);
                }
            }
            diagnostic
        }
        RuntimeError::Bind(BindError::Unsolved { input: name, .. }) => on_input("E0405", name),
        RuntimeError::Bind(BindError::Fact { .. }) => plain("E0406"),
        RuntimeError::IndexOutOfRange { tensor, .. } => {
            let place = parameter(tensor, source).or_else(|| input(tensor, source));
            at(plain("E0407"), place, "the tensor that is indexed")
        }
        RuntimeError::MemoryLimit { .. } | RuntimeError::OutOfMemory(_) => {
            plain("E0409").help("use a smaller batch")
        }
        _ => plain("E0410"),
    }
}

fn device_fault(error: &DeviceError) -> Diagnostic {
    let plain = |code| Diagnostic::error(code, error.to_string());
    match error {
        DeviceError::NoDriver => plain("E0508")
            .help("run it on the processor, or with `--interpret` in the PTX interpreter"),
        DeviceError::NoDevice { .. } => plain("E0508").help("`eyas targets` lists the devices"),
        DeviceError::OldDriver { .. } => plain("E0508"),
        DeviceError::Code { .. } | DeviceError::Kernel { .. } => plain("E0509"),
        DeviceError::OutOfMemory { .. } => plain("E0409").help("use a smaller batch"),
        DeviceError::Driver { .. } | DeviceError::Fault(_) => plain("E0411"),
    }
}

fn format_fault(error: &FormatError) -> Diagnostic {
    let code = match error {
        FormatError::NotAKernelSet => "E0501",
        FormatError::Version { .. } => "E0502",
        FormatError::Damaged(_) => "E0504",
        FormatError::Length { .. } => "E0505",
        FormatError::UnknownSection(_) => "E0506",
        _ => "E0507",
    };
    Diagnostic::error(code, error.to_string())
}

/// A pass that broke a rule of the compiler's own.
pub(crate) fn compile_fault(source: &Source, message: &str) -> Error {
    let diagnostic = Diagnostic::error("E0702", format!("a pass is wrong: {message}"))
        .note("this is a bug of the compiler");
    with_sources(vec![diagnostic], Some(source))
}

/// A part of the model that cannot be scheduled.
pub(crate) fn schedule_fault(source: &Source, error: &ScheduleError) -> Error {
    let code = match error {
        ScheduleError::Unsupported { .. } | ScheduleError::Dim(_) => "E0701",
        _ => "E0702",
    };
    let diagnostic = Diagnostic::error(code, error.to_string());
    with_sources(vec![diagnostic], Some(source))
}

/// A part of the model that has no code.
pub(crate) fn cpu_fault(source: &Source, error: &CpuError) -> Error {
    let diagnostic = Diagnostic::error("E0701", error.to_string());
    with_sources(vec![diagnostic], Some(source))
}

/// A part of the model that has no code for a GPU.
pub(crate) fn ptx_fault(source: &Source, error: &PtxError) -> Error {
    let diagnostic = Diagnostic::error("E0701", error.to_string());
    with_sources(vec![diagnostic], Some(source))
}
