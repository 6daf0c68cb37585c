use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use eyas_plan::{CudaArchitecture, Isa, Machine, Place};
use eyas_tensor::{Tensor, TensorType};
use memmap2::Mmap;

use crate::check::check;
use crate::memory::Memory;
use crate::parts::matches_template;
use crate::program::{Active, Declaration, Program, Value, machines, refuse};
use crate::reader::{ReadFile, Source, read};
use crate::resident::{Modules, Residents};
use crate::stored_tensor::{Storage, StoredTensor};
use crate::weights::{bind_weights, derive};
use crate::writer::Image;
use crate::{
    EntryPoint, FormatError, KernelSetParts, ParameterKind, RuntimeError, TargetCode, ValueOrigin,
    WeightFault,
};

/// A compiled model: entry points, code for one or several kinds of machine, and parameters.
/// It does not change; binding weights gives another one that shares the code.
///
/// A kernel set is native code: load what you trust. Its hashes find damage, they are no
/// signature.
#[derive(Debug, Clone)]
pub struct KernelSet {
    pub(crate) program: Arc<Program>,
    /// Parameters, states and derived parameters that have a value.
    pub(crate) values: BTreeMap<String, Value>,
    /// `None` where this machine's processor can run none of the targets.
    pub(crate) active: Option<Arc<Active>>,
    pub(crate) source: Option<Arc<Source>>,
    /// What devices hold of the values.
    pub(crate) residents: Arc<Residents>,
}

/// Mapped tensors of so many bytes that an entry point reads are copied into huge pages.
const LARGE: usize = 2 << 20;

impl KernelSet {
    /// A kernel set of what a compiler made. It may be for other machines than this one.
    ///
    /// # Errors
    /// [`RuntimeError::Weights`] for values that are not of their parameters' types,
    /// [`FormatError::Inconsistent`] for parts that contradict each other.
    pub fn new(parts: KernelSetParts) -> Result<KernelSet, RuntimeError> {
        let (mut parameters, mut values) = (BTreeMap::new(), BTreeMap::new());
        let mut faults = Vec::new();
        for (path, part) in parts.parameters {
            if let Some(tensor) = &part.value {
                faults.extend(WeightFault::of(&path, &part.ty, tensor));
                let tensor = store(tensor)?;
                let origin = part.origin;
                values.insert(path.clone(), Value { tensor, origin });
            }
            let (ty, kind) = (part.ty, part.kind);
            parameters.insert(path, Declaration { ty, kind });
        }
        for (path, tensor) in &parts.derived_values {
            let origin = ValueOrigin::Derived;
            let tensor = store(tensor)?;
            values.insert(path.clone(), Value { tensor, origin });
        }
        if !faults.is_empty() {
            return Err(RuntimeError::Weights(faults));
        }
        let constants = parts.constants.iter().map(store);
        let program = Program {
            symbols: parts.symbols,
            facts: parts.facts,
            entries: parts.entries,
            parameters,
            derived: parts.derived,
            constants: constants.collect::<Result<_, _>>()?,
            targets: parts.targets,
            provenance: parts.provenance,
            modules: Modules::default(),
        };
        check(&program)?;
        let active = Active::choose(&program.targets)?.map(Arc::new);
        Ok(KernelSet {
            program: Arc::new(program),
            values,
            active,
            source: None,
            residents: Arc::default(),
        })
    }

    /// Reads a file that this machine's processor can run, or that has code for GPUs.
    ///
    /// # Errors
    /// [`RuntimeError::File`], [`RuntimeError::Format`], [`RuntimeError::UnsupportedCpu`].
    pub fn load(path: impl AsRef<Path>) -> Result<KernelSet, RuntimeError> {
        KernelSet::open(path)?.supported()
    }

    /// Reads a file to look at it; it may be for other machines than this one.
    ///
    /// # Errors
    /// [`RuntimeError::File`], [`RuntimeError::Format`].
    pub fn open(path: impl AsRef<Path>) -> Result<KernelSet, RuntimeError> {
        let path = path.as_ref();
        let failed = |cause| RuntimeError::File {
            path: path.to_owned(),
            cause,
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        let kind = file.metadata().map_err(failed)?;
        if !kind.is_file() {
            return Err(failed(std::io::Error::other("this is not a file")));
        }
        if kind.len() == 0 {
            return Err(FormatError::NotAKernelSet.into());
        }
        // SAFETY: the mapping is private and read only. Whoever cuts the file while it is in use
        // ends the process, as with a program that is run.
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        let file = read(&Storage::mapped(Arc::new(map)))?;
        KernelSet::of_file(file)?.with_large_tensors_in_memory()
    }

    /// Reads a kernel set from memory that [`KernelSet::load`] would read from a file.
    ///
    /// # Errors
    /// [`RuntimeError::Format`], [`RuntimeError::UnsupportedCpu`].
    pub fn from_bytes(bytes: &[u8]) -> Result<KernelSet, RuntimeError> {
        let memory = Memory::copy_of(bytes).ok_or(RuntimeError::OutOfMemory(bytes.len()))?;
        KernelSet::of_file(read(&Storage::memory(memory))?)?.supported()
    }

    fn of_file(file: ReadFile) -> Result<KernelSet, RuntimeError> {
        let active = Active::choose(&file.program.targets)?.map(Arc::new);
        Ok(KernelSet {
            program: Arc::new(file.program),
            values: file.values,
            active,
            source: Some(Arc::new(file.source)),
            residents: Arc::default(),
        })
    }

    fn supported(self) -> Result<KernelSet, RuntimeError> {
        if !self.is_for_gpus() {
            self.target()?;
        }
        self.derived()
    }

    /// Computes derived parameters that the code for this machine reads: a set for several kinds
    /// of machine holds the values for the one that it was made on.
    fn derived(mut self) -> Result<KernelSet, RuntimeError> {
        let declared = self.program.parameters.keys();
        let bound = declared
            .into_iter()
            .all(|path| self.values.contains_key(path));
        if bound && self.active.is_some() {
            derive(&mut self)?;
        }
        Ok(self)
    }

    /// Copies what runs read often out of the file.
    fn with_large_tensors_in_memory(mut self) -> Result<KernelSet, RuntimeError> {
        let Some(active) = &self.active else {
            return Ok(self);
        };
        let plans = self.program.targets[active.target].entries.iter();
        let plans = plans.flat_map(|plans| {
            let specialised = plans.specialised.iter().map(|special| &special.plan);
            [&plans.generic].into_iter().chain(specialised)
        });
        let places = plans.flat_map(|plan| &plan.buffers);
        let read: BTreeSet<&str> = places
            .filter_map(|buffer| match &buffer.place {
                Place::Parameter(template) => Some(&**template),
                _ => None,
            })
            .collect();
        let mut copies: BTreeMap<usize, Arc<StoredTensor>> = BTreeMap::new();
        for (path, value) in &mut self.values {
            let bytes = value.tensor.bytes();
            let large = bytes.len() >= LARGE && value.tensor.is_mapped();
            let used = || {
                let mut templates = read.iter();
                read.contains(&**path) || templates.any(|template| matches_template(template, path))
            };
            if !large || !used() {
                continue;
            }
            let place = bytes.as_ptr().addr();
            let copy = match copies.get(&place) {
                Some(copy) if copy.shape() == value.tensor.shape() => copy.clone(),
                _ => {
                    let length = bytes.len();
                    let copy = value.tensor.in_memory();
                    Arc::new(copy.ok_or(RuntimeError::OutOfMemory(length))?)
                }
            };
            copies.insert(place, copy.clone());
            value.tensor = copy;
        }
        Ok(self)
    }

    /// The same code with these values for parameters and states; others keep theirs. Derived
    /// parameters are computed anew.
    ///
    /// # Errors
    /// [`RuntimeError::Weights`] lists all that is missing, unknown or of the wrong type;
    /// [`RuntimeError::UnsupportedCpu`] where parameters are derived and this machine cannot run
    /// the code, unless there is code for GPUs, whose sessions derive them there.
    pub fn bind(&self, weights: BTreeMap<String, Tensor>) -> Result<KernelSet, RuntimeError> {
        bind_weights(self, &weights)
    }

    /// The file.
    ///
    /// # Errors
    /// [`RuntimeError::Format`] where it would be too large.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RuntimeError> {
        let mut bytes = Vec::new();
        let image = Image::new(&self.program, &self.values)?;
        image
            .write_to(&mut bytes)
            .map_err(|cause| RuntimeError::File {
                path: "memory".into(),
                cause,
            })?;
        Ok(bytes)
    }

    /// Writes the file; nothing is left of it where that fails.
    ///
    /// # Errors
    /// [`RuntimeError::File`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), RuntimeError> {
        let image = Image::new(&self.program, &self.values)?;
        let path = path.as_ref();
        image.write_file(path).map_err(|cause| RuntimeError::File {
            path: path.to_owned(),
            cause,
        })
    }

    /// Compares the tensors of the file that this was read from with their hashes.
    ///
    /// # Errors
    /// [`FormatError::Damaged`].
    pub fn verify(&self) -> Result<(), RuntimeError> {
        match &self.source {
            Some(source) => Ok(source.verify(&|number| self.name_in_pool(source, number))?),
            None => Ok(()),
        }
    }

    /// What the tensor at a place of the pool is called.
    fn name_in_pool(&self, source: &Source, number: usize) -> String {
        let named = self.values.iter();
        let mut named = named.filter(|(_, value)| source.holds(number, &value.tensor));
        match named.next() {
            Some((path, _)) => format!("parameter `{path}`"),
            None => format!("tensor {number} of the pool"),
        }
    }

    /// What can be called.
    pub fn entries(&self) -> &[EntryPoint] {
        &self.program.entries
    }

    /// Paths and kinds of all parameters and states.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, ParameterKind)> {
        let declared = self.program.parameters.iter();
        declared.map(|(path, declaration)| (&**path, declaration.kind))
    }

    /// The type of a parameter or state.
    pub fn parameter_type(&self, path: &str) -> Option<&TensorType> {
        Some(&self.program.parameters.get(path)?.ty)
    }

    /// The value of a parameter, a state at the beginning, or a derived parameter.
    pub fn value(&self, path: &str) -> Option<Tensor> {
        self.values.get(path)?.tensor.to_tensor().ok()
    }

    /// What it has code for, in the order of its targets.
    pub fn machines(&self) -> Vec<Machine> {
        machines(&self.program.targets)
    }

    /// The PTX for an architecture; `None` where it has no code for that.
    pub fn ptx(&self, architecture: CudaArchitecture) -> Option<&str> {
        let machine = Machine::Cuda(architecture);
        let mut targets = self.program.targets.iter();
        let target = targets.find(|target| target.machine == machine)?;
        std::str::from_utf8(&target.code.bytes).ok()
    }

    /// Whether it has code for GPUs.
    pub(crate) fn is_for_gpus(&self) -> bool {
        let mut targets = self.program.targets.iter();
        targets.any(|target| target.machine.cuda().is_some())
    }

    /// The instructions of the code that runs on this machine's processor; `None` where none does.
    pub fn isa(&self) -> Option<Isa> {
        let active = self.active.as_ref()?;
        self.program.targets[active.target].machine.isa()
    }

    /// The target that runs on this machine's processor, and its code.
    pub(crate) fn target(&self) -> Result<(&TargetCode, &Active), RuntimeError> {
        match &self.active {
            Some(active) => Ok((&self.program.targets[active.target], active)),
            None => Err(refuse(&self.program.targets)),
        }
    }

    /// The entry point of a name, by its place.
    pub(crate) fn entry(&self, name: &str) -> Result<usize, RuntimeError> {
        let mut entries = self.program.entries.iter();
        let place = entries.position(|entry| entry.name == name);
        place.ok_or_else(|| RuntimeError::UnknownEntry {
            name: name.to_owned(),
            known: self
                .program
                .entries
                .iter()
                .map(|entry| entry.name.clone())
                .collect(),
        })
    }
}

fn store(tensor: &Tensor) -> Result<Arc<StoredTensor>, RuntimeError> {
    let copy = StoredTensor::copy_of(tensor);
    let copy = copy.ok_or(RuntimeError::OutOfMemory(tensor.bytes().len()))?;
    Ok(Arc::new(copy))
}
