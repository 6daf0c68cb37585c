use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use eyas::{CudaArchitecture, Isa, MathMode};

/// Compiles neural networks into kernel sets, and runs them.
#[derive(Debug, Parser)]
#[command(
    name = "eyas",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// How diagnostics are written to standard error
    #[arg(long, global = true, value_enum, default_value_t = MessageFormat::Human, value_name = "FORMAT")]
    pub(crate) message_format: MessageFormat,
    /// When text is coloured; `auto` looks at the terminal and at NO_COLOR
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub(crate) color: When,
    /// Say less: errors alone
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more: how long each pass takes
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageFormat {
    /// Source lines with labels
    Human,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Parse, resolve and infer shapes; report all that is wrong
    #[command(after_help = "Example: eyas check examples/mnist.eyas")]
    Check(Check),
    /// Lay out source files in the one canonical way
    #[command(after_help = "Example: eyas fmt --check examples/*.eyas")]
    Fmt(Fmt),
    /// Compile a model into a kernel set
    #[command(
        after_help = "Example: eyas compile examples/mnist.eyas --weights mnist.safetensors -o mnist.kset"
    )]
    Compile(Compile),
    /// Run a kernel set or a model
    #[command(after_help = "Example: eyas run mnist.kset --input image=image.npy --print --top 3")]
    Run(Run),
    /// Run a model over a data split and print its metrics
    #[command(
        after_help = "Example: eyas eval examples/mnist.eyas --weights mnist.safetensors --data examples/data"
    )]
    Eval(Eval),
    /// Show a model at a stage of the compiler
    #[command(after_help = "Example: eyas dump examples/mnist.eyas --stage kernels")]
    Dump(Dump),
    /// Run named passes on a dumped graph and print the result
    #[command(
        after_help = "Example: eyas dump model.eyas --stage graph | eyas opt - --passes canonicalise,optimize"
    )]
    Opt(Opt),
    /// Work with rewrite rules
    #[command(subcommand, after_help = "Example: eyas rules check my_rules.eyas")]
    Rules(Rules),
    /// Print the page on an error code, or the story of a kernel
    #[command(
        after_help = "Examples: eyas explain E0102\n          eyas explain examples/mnist.eyas --kernel fc1.matmul"
    )]
    Explain(Explain),
    /// Show what is inside a kernel set
    #[command(after_help = "Example: eyas inspect mnist.kset --verify")]
    Inspect(Inspect),
    /// List what this machine can run
    #[command(after_help = "Example: eyas targets")]
    Targets(Targets),
    /// Print a completion script for a shell
    #[command(after_help = "Example: eyas completions bash > /etc/bash_completion.d/eyas")]
    Completions(Completions),
}

/// What every command that compiles takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Compile options")]
pub(crate) struct CompileOptions {
    /// The model, where a file has several
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Values of the parameters; without it they begin with their initialisers
    #[arg(long, value_name = "FILE.safetensors")]
    pub(crate) weights: Option<PathBuf>,
    /// Lines of `OLD NEW` that rename the tensors of the weight file
    #[arg(long, value_name = "MAP", requires = "weights")]
    pub(crate) rename: Option<PathBuf>,
    /// Make a dim static
    #[arg(long, value_name = "DIM=EXTENT", value_parser = binding)]
    pub(crate) bind: Vec<(String, i64)>,
    /// Add a plan for one point of the dims, such as `B=1,S=128`
    #[arg(long, value_name = "DIM=EXTENT,...", value_parser = bindings)]
    pub(crate) specialize: Vec<Bindings>,
    /// What code is made for; both make one set that serves both [default: cpu]
    #[arg(long, value_enum, value_name = "TARGET,...", value_delimiter = ',')]
    pub(crate) target: Vec<TargetKind>,
    /// Instruction sets of CPUs: `native`, `portable`, `v3`, `v4`; several make one set that serves all
    #[arg(
        long,
        value_name = "ISA,...",
        value_delimiter = ',',
        default_value = "native"
    )]
    pub(crate) cpu: Vec<Isa>,
    /// Architectures of NVIDIA GPUs: `sm_80` runs on all that came later too, `sm_90a` on Hopper
    #[arg(
        long,
        value_name = "ARCH,...",
        value_delimiter = ',',
        default_value = "sm_80"
    )]
    pub(crate) cuda_arch: Vec<CudaArchitecture>,
    /// Which rewrites are allowed
    #[arg(long, value_enum, default_value_t = Math::Strict)]
    pub(crate) math: Math,
    /// Threads a run may use; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Code through Cranelift alone, without the wide emitter
    #[arg(long)]
    pub(crate) no_wide: bool,
    /// Print how long each pass takes
    #[arg(long)]
    pub(crate) time_passes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetKind {
    /// Processors
    Cpu,
    /// NVIDIA GPUs
    Cuda,
}

/// What a command that runs takes besides: where it does so.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where it runs")]
pub(crate) struct DeviceOptions {
    /// Which GPU, by its number in `eyas targets`
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) device: usize,
    /// Run GPU code in the PTX interpreter, which needs no GPU and checks every access
    #[arg(long, conflicts_with = "device")]
    pub(crate) interpret: bool,
}

/// A point of the dims.
pub(crate) type Bindings = std::collections::BTreeMap<String, i64>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Math {
    /// The same real-number expression, any order inside one sum
    Strict,
    /// Reassociation across operations as well
    Fast,
}

impl From<Math> for MathMode {
    fn from(math: Math) -> MathMode {
        match math {
            Math::Strict => MathMode::Strict,
            Math::Fast => MathMode::Fast,
        }
    }
}

fn binding(text: &str) -> Result<(String, i64), String> {
    let fault = || format!("`{text}` is not of the form `B=32`");
    let (name, extent) = text.split_once('=').ok_or_else(fault)?;
    let extent: i64 = extent.trim().parse().map_err(|_| fault())?;
    if extent < 0 {
        return Err(format!("extent {extent} is negative"));
    }
    Ok((name.trim().to_owned(), extent))
}

fn bindings(text: &str) -> Result<Bindings, String> {
    text.split(',').map(binding).collect()
}

/// A name and a file, as in `image=image.npy`.
fn named_path(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not of the form `NAME=FILE.npy`"))?;
    Ok((name.to_owned(), PathBuf::from(path)))
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Source files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// Source files; `-` formats standard input to standard output
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing; fail where a file is laid out otherwise
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Compile {
    /// The source file
    #[arg(value_name = "MODEL.eyas")]
    pub(crate) file: PathBuf,
    /// Where the kernel set goes [default: beside the source, as `.kset`]
    #[arg(short, long, value_name = "FILE.kset")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: CompileOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// A kernel set, or a source file that is compiled first
    #[arg(value_name = "KSET_OR_MODEL")]
    pub(crate) file: PathBuf,
    /// A tensor for an input; an input that is not given is an error
    #[arg(short, long = "input", value_name = "NAME=FILE.npy", value_parser = named_path)]
    pub(crate) inputs: Vec<(String, PathBuf)>,
    /// Where an output goes
    #[arg(short, long = "output", value_name = "NAME=FILE.npy", value_parser = named_path)]
    pub(crate) outputs: Vec<(String, PathBuf)>,
    /// Write the values of outputs that go to no file to standard output
    #[arg(long)]
    pub(crate) print: bool,
    /// Of the last axis, print the greatest values alone
    #[arg(long, value_name = "N", requires = "print")]
    pub(crate) top: Option<usize>,
    /// Run so often and print percentiles of the latency
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: Option<u32>,
    #[command(flatten)]
    pub(crate) device: DeviceOptions,
    #[command(flatten)]
    pub(crate) options: CompileOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Eval {
    /// A source file with a `train` block that says which data and metrics
    #[arg(value_name = "MODEL.eyas")]
    pub(crate) file: PathBuf,
    /// The directory with the data
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Which split
    #[arg(long, default_value = "test", value_name = "SPLIT")]
    pub(crate) split: String,
    /// Examples a run [default: the train block's `batch`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch: Option<u32>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) device: DeviceOptions,
    #[command(flatten)]
    pub(crate) options: CompileOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Dump {
    /// The source file
    #[arg(value_name = "MODEL.eyas")]
    pub(crate) file: PathBuf,
    /// Which stage
    #[arg(long, value_enum)]
    pub(crate) stage: Stage,
    /// How it is written; `dot` and `svg` for the graph stages
    #[arg(long, value_enum, default_value_t = DumpFormat::Text)]
    pub(crate) format: DumpFormat,
    /// With source spans and label paths
    #[arg(long)]
    pub(crate) origins: bool,
    #[command(flatten)]
    pub(crate) options: CompileOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Stage {
    /// The tree of the source
    Ast,
    /// The graph as written
    Graph,
    /// After canonicalisation
    Canonical,
    /// After the rewrites, with what they did
    Optimized,
    /// The kernels
    Kernels,
    /// Buffers and launches
    Plan,
    /// Cranelift's intermediate form
    Clif,
    /// Machine code
    Asm,
    /// The code of a GPU
    Ptx,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DumpFormat {
    Text,
    Json,
    Dot,
    Svg,
}

#[derive(Debug, Args)]
pub(crate) struct Opt {
    /// A file with the text form of a graph; `-` is standard input
    #[arg(value_name = "IR", required_unless_present = "list_passes")]
    pub(crate) file: Option<PathBuf>,
    /// Passes in order
    #[arg(long, value_name = "PASS,...", value_delimiter = ',')]
    pub(crate) passes: Vec<String>,
    /// A source file whose `rule` items join the built-in rules
    #[arg(long, value_name = "FILE.eyas")]
    pub(crate) rules: Option<PathBuf>,
    /// List the passes
    #[arg(long)]
    pub(crate) list_passes: bool,
    /// Which rewrites are allowed
    #[arg(long, value_enum, default_value_t = Math::Strict)]
    pub(crate) math: Math,
    /// Print which rules fired, as comments
    #[arg(long)]
    pub(crate) fired: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// Test rules on random shapes, types and values against the reference evaluator
    #[command(after_help = "Example: eyas rules check my_rules.eyas")]
    Check(RulesCheck),
    /// List the built-in rules
    List,
}

#[derive(Debug, Args)]
pub(crate) struct RulesCheck {
    /// A source file with `rule` items [default: the built-in rules]
    #[arg(value_name = "FILE.eyas")]
    pub(crate) file: Option<PathBuf>,
    /// Instances a rule
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) instances: usize,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// An error code such as `E0102`, or a source file
    #[arg(value_name = "CODE_OR_MODEL")]
    pub(crate) subject: String,
    /// The kernel whose story is told: from the source through the rewrites
    #[arg(long, value_name = "KERNEL")]
    pub(crate) kernel: Option<String>,
    #[command(flatten)]
    pub(crate) options: CompileOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The kernel set
    #[arg(value_name = "FILE.kset")]
    pub(crate) file: PathBuf,
    /// Hash the tensors as well
    #[arg(long)]
    pub(crate) verify: bool,
    /// How it is written
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Targets {
    /// How it is written
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
