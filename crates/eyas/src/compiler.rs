use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use eyas_diagnostic::Diagnostic;
use eyas_ir::{Constant, Module};
use eyas_kernels::Kernel;
use eyas_optimize::{CostTable, Math, Report, Rule};
use eyas_plan::{Code, IsaLevel, Machine};
use eyas_runtime::KernelSet;
use eyas_schedule::Program;
use eyas_tensor::Tensor;

use crate::fault::{self, compile_fault};
use crate::frontend::{self, Source};
use crate::{Error, bind_weights, link, renumber};

/// Compiles models: what it is asked for, and the way from the source to a kernel set.
///
/// ```no_run
/// let set = eyas::Compiler::default().compile("model.eyas")?;
/// set.write("model.kset")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Compiler {
    /// The model that is compiled; all of the file where `None`.
    pub model: Option<String>,
    /// Values of the parameters by path; where `None`, they begin with their initialisers.
    pub weights: Option<BTreeMap<String, Tensor>>,
    /// Dims that are made static.
    pub bind: BTreeMap<String, i64>,
    /// Points of the dims that get a plan of their own beside the general one.
    pub specialize: Vec<BTreeMap<String, i64>>,
    /// The machines that code is made for; the loader takes the best that runs.
    pub machines: Vec<Machine>,
    /// Which rewrites are allowed.
    pub math: Math,
    /// Rules beside those built in and those of the source.
    pub rules: Vec<Rule>,
    /// Whether hot kernels go through the wide emitter.
    pub wide: bool,
    /// Whether the rewrites that led to each output are recorded.
    pub explain: bool,
    /// Whether code is kept as readable text as well.
    pub listings: bool,
}

impl Default for Compiler {
    fn default() -> Compiler {
        Compiler {
            model: None,
            weights: None,
            bind: BTreeMap::new(),
            specialize: Vec::new(),
            machines: vec![Machine::native()],
            math: Math::Strict,
            rules: Vec::new(),
            wide: true,
            explain: false,
            listings: false,
        }
    }
}

/// A model's graphs before, between and after the passes.
#[derive(Debug, Clone)]
pub struct Optimised {
    /// After canonicalisation.
    pub canonical: Module,
    /// After the rewrites.
    pub module: Module,
    /// What the passes did.
    pub report: Report,
}

/// Kernels and plans for one machine, and their code.
#[derive(Debug, Clone)]
pub struct Target {
    /// The machine.
    pub machine: Machine,
    /// All kernels; those of specialised plans come after the general ones.
    pub kernels: Vec<Kernel>,
    /// The general plans.
    pub program: Program,
    /// The plans of the points that were asked for, in order.
    pub specialised: Vec<Program>,
    /// The code: PTX for a GPU.
    pub code: Code,
    /// The code of a processor as readable text, a kernel each, where that was asked for.
    pub listings: Vec<eyas_cpu::Listing>,
}

/// How long each pass took, in order.
#[derive(Debug, Clone, Default)]
pub struct PassTimes(Vec<(String, Duration)>);

impl PassTimes {
    /// The passes with their times.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Duration)> {
        self.0.iter().map(|(name, time)| (name.as_str(), *time))
    }

    /// All passes together.
    pub fn total(&self) -> Duration {
        self.0.iter().map(|(_, time)| *time).sum()
    }

    /// Does some work and notes how long it took.
    pub fn time<T>(&mut self, pass: &str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(pass, start.elapsed());
        result
    }

    fn add(&mut self, pass: &str, time: Duration) {
        match self.0.iter_mut().find(|(name, _)| name == pass) {
            Some((_, total)) => *total += time,
            None => self.0.push((pass.to_owned(), time)),
        }
    }
}

impl Compiler {
    /// From a source file to a kernel set.
    ///
    /// # Errors
    /// Diagnostics of all that is wrong with the source or the weights.
    pub fn compile(&self, path: impl AsRef<Path>) -> Result<KernelSet, Error> {
        let mut times = PassTimes::default();
        let source = self.load(path, &mut times)?;
        self.compile_source(&source, &mut times)
    }

    /// Reads, parses and elaborates a source file and those that it uses.
    ///
    /// # Errors
    /// Diagnostics of all that is wrong with it.
    pub fn load(&self, path: impl AsRef<Path>, times: &mut PassTimes) -> Result<Source, Error> {
        let source = self.check(path, times)?;
        source.into_sound()
    }

    /// As [`Compiler::load`], but gives back what has errors as well.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn check(&self, path: impl AsRef<Path>, times: &mut PassTimes) -> Result<Source, Error> {
        frontend::load(path.as_ref(), self.model.as_deref(), &self.bind, times)
    }

    /// From an elaborated source to a kernel set.
    ///
    /// # Errors
    /// Diagnostics where a part of the model has no code or the weights do not fit.
    pub fn compile_source(
        &self,
        source: &Source,
        times: &mut PassTimes,
    ) -> Result<KernelSet, Error> {
        if source.module().entries.is_empty() {
            let message = format!("`{}` has no model", source.path().display());
            return Err(Diagnostic::error("E0612", message).into());
        }
        let optimised = self.optimise(source, times)?;
        let points = self.specialised(source, times)?;
        let (mut targets, mut constants) = (Vec::new(), Vec::new());
        for machine in &self.machines {
            targets.push(self.target(
                source,
                &optimised,
                &points,
                machine,
                &mut constants,
                times,
            )?);
        }
        let set = times.time("link", || {
            link::link(self, source, &optimised, targets, &constants)
        })?;
        match &self.weights {
            Some(weights) => times.time("bind weights", || {
                bind_weights(&set, weights.clone(), Some(source))
            }),
            None => Ok(set),
        }
    }

    /// The graph passes.
    ///
    /// # Errors
    /// A diagnostic where a rule of the source is none, or a pass breaks a rule of the compiler's.
    pub fn optimise(&self, source: &Source, times: &mut PassTimes) -> Result<Optimised, Error> {
        self.optimise_module(source, source.module().clone(), times)
    }

    fn optimise_module(
        &self,
        source: &Source,
        mut module: Module,
        times: &mut PassTimes,
    ) -> Result<Optimised, Error> {
        let mut rules = self.rules.clone();
        rules.extend(source.rules()?);
        let options = eyas_optimize::Options {
            math: self.math,
            rules,
            explain: self.explain,
            costs: self.costs(),
            ..eyas_optimize::Options::default()
        };
        let broken = |error: eyas_optimize::Error| compile_fault(source, &error.to_string());
        let mut report = Report::default();
        eyas_optimize::run_passes(&mut module, &["canonicalise"], &options, &mut report)
            .map_err(broken)?;
        let canonical = module.clone();
        let rest = ["optimize", "hoist-parameters", "dead-code"];
        eyas_optimize::run_passes(&mut module, &rest, &options, &mut report).map_err(broken)?;
        for pass in &report.passes {
            times.add(&pass.name, pass.time);
        }
        Ok(Optimised {
            canonical,
            module,
            report,
        })
    }

    /// The costs on the least of the machines: the graph is the same for all of them.
    fn costs(&self) -> CostTable {
        let isas = self.machines.iter().filter_map(Machine::isa);
        match isas.min().map(|isa| isa.level) {
            Some(IsaLevel::Portable) => CostTable::PORTABLE,
            Some(IsaLevel::V3) => CostTable::V3,
            Some(IsaLevel::V4) => CostTable::V4,
            None => CostTable::CUDA,
        }
    }

    /// The model once more for each point that gets a plan of its own.
    fn specialised(&self, source: &Source, times: &mut PassTimes) -> Result<Vec<Module>, Error> {
        let points = self.specialize.iter().map(|point| {
            let mut bind = self.bind.clone();
            bind.extend(point.clone());
            let bound = source.rebound(self.model.as_deref(), &bind, times)?;
            Ok(self.optimise(&bound, times)?.module)
        });
        points.collect()
    }

    /// Kernels, plans and code for one machine. The plans of `points` stand beside the
    /// general one; `constants` takes up the tensors that plans name by number.
    ///
    /// # Errors
    /// A diagnostic where a part of the model has no code for it.
    pub fn target(
        &self,
        source: &Source,
        optimised: &Optimised,
        points: &[Module],
        machine: &Machine,
        constants: &mut Vec<Constant>,
        times: &mut PassTimes,
    ) -> Result<Target, Error> {
        let options = eyas_schedule::Options {
            panel_width: machine
                .isa()
                .and_then(eyas_cpu::panel_width)
                .filter(|_| self.wide),
            ..eyas_schedule::Options::default()
        };
        let schedule = |module: &Module| {
            eyas_schedule::schedule(module, &options)
                .map_err(|error| fault::schedule_fault(source, &error))
        };
        let (mut program, mut specialised) = times.time("schedule", || {
            let program = schedule(&optimised.module)?;
            let specialised = points.iter().map(schedule).collect::<Result<Vec<_>, _>>()?;
            Ok::<_, Error>((program, specialised))
        })?;
        let mut kernels = Vec::new();
        renumber::take(&mut program, "", &[], &mut kernels, constants);
        let mut derived = program.derived.clone();
        for (program, point) in specialised.iter_mut().zip(&self.specialize) {
            let point = point.iter().map(|(dim, extent)| format!("{dim}={extent}"));
            let suffix = format!("@{}", point.collect::<Vec<_>>().join(","));
            renumber::take(program, &suffix, &derived, &mut kernels, constants);
            derived.extend(program.derived.iter().cloned());
        }
        let (code, listings) = times.time("code", || self.code(source, machine, &kernels))?;
        Ok(Target {
            machine: machine.clone(),
            kernels,
            program,
            specialised,
            code,
            listings,
        })
    }

    fn code(
        &self,
        source: &Source,
        machine: &Machine,
        kernels: &[Kernel],
    ) -> Result<(Code, Vec<eyas_cpu::Listing>), Error> {
        match *machine {
            Machine::Cpu { isa, .. } => {
                let options = eyas_cpu::Options {
                    isa,
                    wide: self.wide,
                    listings: self.listings,
                };
                let compiled = eyas_cpu::compile(kernels, &options);
                let compiled = compiled.map_err(|error| fault::cpu_fault(source, &error))?;
                Ok((compiled.code, compiled.listings))
            }
            Machine::Cuda(architecture) => {
                let options = eyas_ptx::Options {
                    architecture,
                    places: places(source, kernels),
                };
                let code = eyas_ptx::compile(kernels, &options);
                let code = code.map_err(|error| fault::ptx_fault(source, &error))?;
                Ok((code, Vec::new()))
            }
        }
    }
}

/// Where in the source each kernel comes from, as `file:line:column`.
pub(crate) fn places(source: &Source, kernels: &[Kernel]) -> BTreeMap<String, Vec<String>> {
    let sources = source.sources();
    let kernels = kernels.iter().map(|kernel| {
        let spans = kernel.origin.spans.iter().map(|span| {
            let (name, place) = (
                sources.name(span.file),
                sources.line_column(span.file, span.start),
            );
            format!("{name}:{}:{}", place.line, place.column)
        });
        let mut places: Vec<String> = spans.collect();
        places.dedup();
        (kernel.name.clone(), places)
    });
    kernels.collect()
}
