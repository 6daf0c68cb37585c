use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use eyas_plan::{Place, Plan};

use crate::binder::{Found, Surroundings, bind_plan};
use crate::bound_plan::Base;
use crate::device::{DeviceMemory, Module, Piece, Queue};
use crate::device_plan::{DeviceCall, DevicePlaces, Ground, run};
use crate::parts::matches_template;
use crate::program::{machines, static_size};
use crate::{
    DerivedParameter, Device, DeviceError, DeviceNeeds, KernelSet, ParameterKind, RuntimeError,
    TargetCode, fault,
};

/// What a device holds for a kernel set: constants, and the parameters that its code reads.
#[derive(Debug)]
pub(crate) struct Resident {
    /// The target's place in the program.
    pub(crate) target: usize,
    pub(crate) module: Module,
    constants: BTreeMap<usize, DeviceMemory>,
    parameters: BTreeMap<String, DeviceMemory>,
}

/// What devices hold for a kernel set, put there once for all its sessions.
#[derive(Debug, Default)]
pub(crate) struct Residents(Mutex<Vec<(Device, Arc<Resident>)>>);

/// The code of a program on devices, loaded once for all sets that share the program.
#[derive(Debug, Default)]
pub(crate) struct Modules(Mutex<Vec<(Device, usize, Module)>>);

impl Resident {
    /// What the device holds for the set; put there where it does not yet.
    pub(crate) fn of(set: &KernelSet, device: &Device) -> Result<Arc<Resident>, RuntimeError> {
        let residents = set.residents.0.lock();
        // Others wait: the same would be put there twice.
        let mut residents = residents.unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = residents.iter().find(|(known, _)| known.is(device)) {
            return Ok(known.clone());
        }
        let target = choose(&set.program.targets, device)?;
        let module = module(set, device, target)?;
        let loader = Loader::new(set, device, target, module)?;
        let resident = Arc::new(loader.load()?);
        residents.push((device.clone(), resident.clone()));
        Ok(resident)
    }

    /// The memory of a constant.
    pub(crate) fn constant(&self, number: usize) -> Option<Found<u64>> {
        self.constants.get(&number).map(found)
    }

    /// The memory of a parameter.
    pub(crate) fn parameter(&self, path: &str) -> Option<Found<u64>> {
        self.parameters.get(path).map(found)
    }

    /// Bytes of it all.
    pub(crate) fn bytes(&self) -> u128 {
        let all = self.constants.values().chain(self.parameters.values());
        all.map(|memory| memory.bytes() as u128).sum()
    }
}

fn found(memory: &DeviceMemory) -> Found<u64> {
    Found {
        base: Base::Fixed(memory.address()),
        bytes: memory.bytes(),
    }
}

/// The best of the targets that the device runs.
fn choose(targets: &[TargetCode], device: &Device) -> Result<usize, RuntimeError> {
    let able = targets.iter().enumerate().filter_map(|(place, target)| {
        let architecture = target.machine.cuda()?;
        device.runs(architecture).then_some((architecture, place))
    });
    let best = able.max_by_key(|&(architecture, place)| (architecture, usize::MAX - place));
    let none = || RuntimeError::NoDeviceCode {
        device: device.to_string(),
        machines: machines(targets),
    };
    best.map(|(_, place)| place).ok_or_else(none)
}

fn module(set: &KernelSet, device: &Device, target: usize) -> Result<Module, RuntimeError> {
    let modules = set.program.modules.0.lock();
    let mut modules = modules.unwrap_or_else(PoisonError::into_inner);
    let known = modules
        .iter()
        .find(|(known, place, _)| known.is(device) && *place == target);
    if let Some((_, _, known)) = known {
        return Ok(known.clone());
    }
    let module = device.load(&set.program.targets[target].code)?;
    modules.push((device.clone(), target, module.clone()));
    Ok(module)
}

/// A derived parameter that has no value, with one choice of its counters.
struct Missing<'a> {
    derived: &'a DerivedParameter,
    plan: &'a Plan,
    counters: BTreeMap<String, i64>,
    path: String,
}

struct Loader<'a> {
    set: &'a KernelSet,
    device: &'a Device,
    queue: Queue,
    target: &'a TargetCode,
    missing: Vec<Missing<'a>>,
    resident: Resident,
}

impl<'a> Loader<'a> {
    fn new(
        set: &'a KernelSet,
        device: &'a Device,
        target: usize,
        module: Module,
    ) -> Result<Loader<'a>, RuntimeError> {
        let code = &set.program.targets[target];
        let mut missing = Vec::new();
        for (derived, plan) in set.program.derived.iter().zip(&code.derived) {
            let Some(plan) = plan else { continue };
            let instances = derived.instances().ok_or_else(|| RuntimeError::Plan {
                entry: derived.path.clone(),
                reason: "it has too many instances".to_owned(),
            })?;
            let instances = instances.into_iter().map(|(counters, path)| Missing {
                derived,
                plan,
                counters,
                path,
            });
            missing.extend(instances.filter(|missing| !set.values.contains_key(&missing.path)));
        }
        Ok(Loader {
            queue: device.queue()?,
            resident: Resident {
                target,
                module,
                constants: BTreeMap::new(),
                parameters: BTreeMap::new(),
            },
            set,
            device,
            target: code,
            missing,
        })
    }

    fn load(mut self) -> Result<Resident, RuntimeError> {
        let filled = self.fill();
        filled.map_err(|error| match error {
            RuntimeError::Device(DeviceError::OutOfMemory { .. }) => self.too_much(),
            error => error,
        })?;
        Ok(self.resident)
    }

    fn fill(&mut self) -> Result<(), RuntimeError> {
        let read = places(entries(self.target));
        let all = places(self.plans());
        for number in &all.constants {
            let Some(tensor) = self.set.program.constants.get(*number) else {
                continue;
            };
            let memory = self.put(tensor.bytes())?;
            self.resident.constants.insert(*number, memory);
        }
        for (path, bytes) in self.values(&all) {
            let memory = self.put(bytes)?;
            self.resident.parameters.insert(path.clone(), memory);
        }
        for missing in std::mem::take(&mut self.missing) {
            let memory = self.compute(&missing)?;
            self.resident.parameters.insert(missing.path, memory);
        }
        self.queue.synchronize()?;
        // What others were derived from may never be read again.
        self.resident
            .parameters
            .retain(|path, _| read.holds_parameter(path));
        Ok(())
    }

    /// The plans that are run, now or later.
    fn plans(&self) -> Vec<&'a Plan> {
        let derived = self.missing.iter().map(|missing| missing.plan);
        entries(self.target).chain(derived).collect()
    }

    /// The values that plans read.
    fn values(&self, read: &Places<'_>) -> Vec<(&'a String, &'a [u8])> {
        let declared = &self.set.program.parameters;
        let state = |path: &String| {
            let declared = declared.get(path);
            declared.is_some_and(|declared| declared.kind == ParameterKind::State)
        };
        let values = self.set.values.iter();
        let values = values.filter(|(path, _)| !state(path) && read.holds_parameter(path));
        values
            .map(|(path, value)| (path, value.tensor.bytes()))
            .collect()
    }

    fn put(&mut self, bytes: &[u8]) -> Result<DeviceMemory, RuntimeError> {
        let memory = self.device.allocate(bytes.len())?;
        self.queue.upload(memory.address(), bytes)?;
        Ok(memory)
    }

    fn compute(&mut self, missing: &Missing<'_>) -> Result<DeviceMemory, RuntimeError> {
        let path = &missing.path;
        let (_, bytes) = static_size(&missing.derived.ty).ok_or_else(|| RuntimeError::Plan {
            entry: path.clone(),
            reason: "its type has no constant size".to_owned(),
        })?;
        let functions = &self.target.code.functions;
        let plan = bind_plan(
            missing.plan,
            &Surroundings {
                name: path,
                functions,
                binding: &BTreeMap::new(),
                counters: &missing.counters,
                constant: &|number| self.resident.constant(number),
                lookup: &|path| self.resident.parameter(path),
                call: &DeviceCall::new,
                inputs: &[],
                outputs: &[bytes],
            },
        )?;
        let output = self.device.allocate(bytes)?;
        let arena = self.device.allocate(plan.arena)?;
        let scratch = self.device.allocate(plan.scratch)?;
        let failures = self.device.allocate(plan.failure_bytes())?;
        let ground = Ground {
            module: &self.resident.module,
            arena: arena.address(),
            scratch: scratch.address(),
            failures: failures.address(),
            inputs: &[],
            outputs: &[output.address()],
            states: &[],
            stepwise: false,
        };
        let mut records = vec![0; plan.failure_bytes()];
        let outcome = run(
            &plan,
            &ground,
            &mut self.queue,
            &mut DevicePlaces::default(),
        );
        let outcome = outcome.and_then(|()| {
            self.queue.download(&mut [Piece {
                from: failures.address(),
                to: &mut records,
            }])?;
            plan.failed(&records).map_or(Ok(()), Err)
        });
        match outcome {
            Ok(()) => Ok(output),
            Err(cause) => Err(fault::explain(&cause, path, missing.plan, functions)),
        }
    }

    fn too_much(&mut self) -> RuntimeError {
        self.resident.constants.clear();
        self.resident.parameters.clear();
        let all = places(self.plans());
        let constants = all.constants.iter();
        let constants = constants.filter_map(|&number| self.set.program.constants.get(number));
        let constants: u128 = constants.map(|tensor| tensor.bytes().len() as u128).sum();
        let values = self.values(&all);
        let values: u128 = values.iter().map(|(_, bytes)| bytes.len() as u128).sum();
        RuntimeError::DeviceMemory {
            device: self.device.to_string(),
            free: self.device.free_memory(),
            needs: Box::new(DeviceNeeds {
                parameters: constants + values,
                ..DeviceNeeds::default()
            }),
        }
    }
}

fn entries(target: &TargetCode) -> impl Iterator<Item = &Plan> {
    target.entries.iter().flat_map(|plans| {
        let specialised = plans.specialised.iter().map(|special| &special.plan);
        [&plans.generic].into_iter().chain(specialised)
    })
}

/// What plans read that outlives runs.
struct Places<'a> {
    constants: BTreeSet<usize>,
    templates: BTreeSet<&'a str>,
}

impl Places<'_> {
    fn holds_parameter(&self, path: &str) -> bool {
        let mut templates = self.templates.iter();
        self.templates.contains(path) || templates.any(|template| matches_template(template, path))
    }
}

fn places<'a>(plans: impl IntoIterator<Item = &'a Plan>) -> Places<'a> {
    let (mut constants, mut templates) = (BTreeSet::new(), BTreeSet::new());
    for buffer in plans.into_iter().flat_map(|plan| &plan.buffers) {
        match &buffer.place {
            Place::Constant(number) => {
                constants.insert(*number);
            }
            Place::Parameter(template) => {
                templates.insert(&**template);
            }
            Place::Input(_) | Place::Output(_) | Place::Arena | Place::State(_) => {}
        }
    }
    Places {
        constants,
        templates,
    }
}
