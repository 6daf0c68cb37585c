//! Whether the parts of a kernel set agree: every number in a plan names something that is there.
//! Sizes are compared where dims are bound.

use std::collections::BTreeSet;

use eyas_plan::{BufferId, Code, Function, Launch, Loop, Machine, Place, Plan, Step};
use eyas_tensor::{DType, TensorType};

use crate::parts::counters_in;
use crate::program::{Program, in_section, static_size};
use crate::{EntryPoint, FormatError, TargetCode};

/// Loops and ifs that may nest.
const MAX_DEPTH: usize = 32;

/// Checks all of it.
///
/// # Errors
/// [`FormatError::Inconsistent`].
pub(crate) fn check(program: &Program) -> Result<(), FormatError> {
    declarations(program)?;
    for entry in &program.entries {
        entry_point(entry, program)?;
    }
    for (number, target) in program.targets.iter().enumerate() {
        let place = format!("target {number}");
        check_target(target, program, &place)?;
    }
    Ok(())
}

fn inconsistent(place: &str, reason: impl Into<String>) -> FormatError {
    FormatError::Inconsistent {
        place: place.to_owned(),
        reason: reason.into(),
    }
}

fn declarations(program: &Program) -> Result<(), FormatError> {
    let declared = program.parameters.iter();
    let derived = program.derived.iter();
    let types = declared
        .map(|(path, declaration)| (path, &declaration.ty))
        .chain(derived.map(|derived| (&derived.path, &derived.ty)));
    for (path, ty) in types {
        if static_size(ty).is_none() {
            let reason = format!("`{ty}` has extents that are no constants, or too many elements");
            return Err(inconsistent(&format!("parameter `{path}`"), reason));
        }
    }
    let mut names = BTreeSet::new();
    for derived in &program.derived {
        let place = format!("derived parameter `{}`", derived.path);
        if program.parameters.contains_key(&derived.path) || !names.insert(&derived.path) {
            return Err(inconsistent(&place, "the path is taken"));
        }
        let counted = counters_in(&derived.path);
        let mut counters: Vec<&str> = derived.counters.iter().map(|(name, ..)| &**name).collect();
        counters.sort_unstable();
        let mut expected = counted.clone();
        expected.sort_unstable();
        if counters != expected {
            return Err(inconsistent(
                &place,
                "its counters are not those of its path",
            ));
        }
    }
    let mut names = BTreeSet::new();
    match program
        .entries
        .iter()
        .find(|entry| !names.insert(&entry.name))
    {
        Some(entry) => {
            let place = format!("entry point `{}`", entry.name);
            Err(inconsistent(&place, "the name is taken"))
        }
        None => Ok(()),
    }
}

fn entry_point(entry: &EntryPoint, program: &Program) -> Result<(), FormatError> {
    let place = format!("entry point `{}`", entry.name);
    let mut names = BTreeSet::new();
    if let Some(input) = entry.inputs.iter().find(|input| !names.insert(&input.name)) {
        let reason = format!("there are two inputs `{}`", input.name);
        return Err(inconsistent(&place, reason));
    }
    let mut states = BTreeSet::new();
    for output in &entry.outputs {
        let Some(path) = &output.state else { continue };
        let state = program.parameters.get(path).map(|declared| &declared.ty);
        if state != Some(&output.ty) {
            let reason = format!(
                "output `{}` is not of the type of state `{path}`",
                output.name
            );
            return Err(inconsistent(&place, reason));
        }
        if !states.insert(path) {
            let reason = format!("state `{path}` has two next values");
            return Err(inconsistent(&place, reason));
        }
    }
    Ok(())
}

fn check_target(target: &TargetCode, program: &Program, place: &str) -> Result<(), FormatError> {
    for (number, function) in target.code.functions.iter().enumerate() {
        if !in_section(function, &target.code) {
            let reason = format!("function {number} lies outside the code");
            return Err(inconsistent(place, reason));
        }
    }
    match target.machine {
        Machine::Cpu { .. } => {
            let mut functions = target.code.functions.iter();
            if let Some(function) = functions.find(|function| function.grid.is_some()) {
                let reason = format!("kernel `{}` is launched in a grid", function.name);
                return Err(inconsistent(place, reason));
            }
        }
        Machine::Cuda(_) => grids(&target.code, program, place)?,
    }
    if target.entries.len() != program.entries.len() {
        return Err(inconsistent(
            place,
            "it has not a plan for each entry point",
        ));
    }
    if target.derived.len() != program.derived.len() {
        return Err(inconsistent(
            place,
            "it has not a plan for each derived parameter",
        ));
    }
    for (plans, entry) in target.entries.iter().zip(&program.entries) {
        let specialised = plans.specialised.iter().map(|special| &special.plan);
        for (number, plan) in [&plans.generic].into_iter().chain(specialised).enumerate() {
            let place = format!("{place}, plan {number} of `{}`", entry.name);
            interface(plan, entry, &place)?;
            PlanCheck::new(plan, program, target, place).run()?;
        }
    }
    for (plan, derived) in target.derived.iter().zip(&program.derived) {
        let Some(plan) = plan else { continue };
        let place = format!("{place}, the plan of `{}`", derived.path);
        if !plan.inputs.is_empty() || plan.outputs.len() != 1 {
            return Err(inconsistent(&place, "it has inputs, or not one output"));
        }
        PlanCheck::new(plan, program, target, place).run()?;
    }
    Ok(())
}

/// Threads that a block may have.
const MAX_THREADS: u32 = 1024;

/// Whether the code is text with the entries that grids name, and their extents are known.
fn grids(code: &Code, program: &Program, place: &str) -> Result<(), FormatError> {
    let text = std::str::from_utf8(&code.bytes);
    let text = text.map_err(|_| inconsistent(place, "its code is no text"))?;
    let mut names = BTreeSet::new();
    for function in &code.functions {
        let name = &function.name;
        let wrong = |reason: &str| inconsistent(place, format!("kernel `{name}` {reason}"));
        let grid = function.grid.as_ref();
        let grid = grid.ok_or_else(|| wrong("has no grid"))?;
        let own = text.get(function.offset..function.offset + function.size);
        let entry = &grid.entry;
        let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'%');
        let is_name = !entry.is_empty() && entry.bytes().all(word);
        if !is_name || !own.is_some_and(|own| own.contains(&**entry)) {
            return Err(wrong("has no entry in its place of the code"));
        }
        if !names.insert(entry) {
            return Err(wrong("shares its entry with another"));
        }
        if !(1..=MAX_THREADS).contains(&grid.threads) {
            let reason = format!("has blocks of {} threads", grid.threads);
            return Err(wrong(&reason));
        }
        let extents = [&function.units, &function.scratch, &grid.cleared];
        let lengths = function.arguments.iter().map(|argument| &argument.length);
        for dim in extents.into_iter().chain(&function.dims).chain(lengths) {
            let mut symbols = dim.symbols().into_iter();
            let unknown =
                symbols.find(|symbol| !program.symbols.iter().any(|known| **known == **symbol));
            if let Some(symbol) = unknown {
                return Err(wrong(&format!(
                    "reads the dim `{symbol}`, which is not there"
                )));
            }
        }
    }
    Ok(())
}

/// A plan takes and gives what its entry point says; extents are compared where dims are bound.
fn interface(plan: &Plan, entry: &EntryPoint, place: &str) -> Result<(), FormatError> {
    let alike = |a: &TensorType, b: &TensorType| a.dtype == b.dtype && a.rank() == b.rank();
    let inputs = plan.inputs.iter().zip(&entry.inputs);
    let outputs = plan.outputs.iter().zip(&entry.outputs);
    let same = plan.inputs.len() == entry.inputs.len()
        && plan.outputs.len() == entry.outputs.len()
        && inputs
            .into_iter()
            .all(|(a, b)| a.name == b.name && alike(&a.ty, &b.ty))
        && outputs
            .into_iter()
            .all(|(a, b)| a.name == b.name && a.state == b.state && alike(&a.ty, &b.ty));
    match same {
        true => Ok(()),
        false => Err(inconsistent(
            place,
            "its inputs or outputs are not the entry point's",
        )),
    }
}

struct PlanCheck<'a> {
    plan: &'a Plan,
    program: &'a Program,
    functions: &'a [Function],
    place: String,
    trips: BTreeSet<&'a str>,
}

impl<'a> PlanCheck<'a> {
    fn new(
        plan: &'a Plan,
        program: &'a Program,
        target: &'a TargetCode,
        place: String,
    ) -> PlanCheck<'a> {
        PlanCheck {
            plan,
            program,
            functions: &target.code.functions,
            place,
            trips: BTreeSet::new(),
        }
    }

    fn wrong(&self, reason: impl Into<String>) -> FormatError {
        inconsistent(&self.place, reason)
    }

    fn run(&mut self) -> Result<(), FormatError> {
        let plan = self.plan;
        let mut given = vec![false; plan.outputs.len()];
        for (number, buffer) in plan.buffers.iter().enumerate() {
            let known = match &buffer.place {
                Place::Input(input) => *input < plan.inputs.len(),
                Place::Output(output) => {
                    let slot = given.get_mut(*output);
                    slot.map(|given| *given = true).is_some()
                }
                Place::Constant(constant) => *constant < self.program.constants.len(),
                Place::Arena | Place::Parameter(_) | Place::State(_) => true,
            };
            if !known {
                return Err(self.wrong(format!("buffer {number} names what is not there")));
            }
            if buffer.live.first > buffer.live.last {
                return Err(self.wrong(format!("buffer {number} ends before it begins")));
            }
        }
        if let Some(output) = given.iter().position(|given| !given) {
            return Err(self.wrong(format!("output {output} has no buffer")));
        }
        self.steps(&plan.steps, 0)
    }

    fn steps(&mut self, steps: &'a [Step], depth: usize) -> Result<(), FormatError> {
        if depth > MAX_DEPTH {
            return Err(self.wrong(format!("steps nest deeper than {MAX_DEPTH}")));
        }
        for step in steps {
            match step {
                Step::Launch(launch) => self.launch(launch)?,
                Step::Loop(repeat) => {
                    self.repeat(repeat)?;
                    self.steps(&repeat.body, depth + 1)?;
                }
                Step::If(branch) => {
                    self.scalar(branch.condition, DType::Bool, false)?;
                    self.steps(&branch.then, depth + 1)?;
                    self.steps(&branch.otherwise, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn launch(&self, launch: &Launch) -> Result<(), FormatError> {
        let function = self.functions.get(launch.kernel);
        let function = function.ok_or_else(|| {
            self.wrong(format!(
                "kernel {} is launched, which is not there",
                launch.kernel
            ))
        })?;
        let name = &function.name;
        if function.arguments.len() != launch.arguments.len() {
            let (expected, found) = (function.arguments.len(), launch.arguments.len());
            let reason = format!("kernel `{name}` takes {expected} arguments, not {found}");
            return Err(self.wrong(reason));
        }
        for (operand, argument) in launch.arguments.iter().zip(&function.arguments) {
            let writable = self.writable(operand.buffer)?;
            if argument.writes && !writable {
                let buffer = operand.buffer.0;
                let reason = format!("kernel `{name}` writes buffer {buffer}, which is read only");
                return Err(self.wrong(reason));
            }
        }
        Ok(())
    }

    fn repeat(&mut self, repeat: &'a Loop) -> Result<(), FormatError> {
        if !self.trips.insert(&repeat.trip) {
            return Err(self.wrong(format!("two loops have the trip symbol `{}`", repeat.trip)));
        }
        if let Some(counter) = repeat.counter {
            self.scalar(counter, DType::I64, true)?;
        }
        if let Some(condition) = repeat.condition {
            self.scalar(condition, DType::Bool, false)?;
        }
        for carry in &repeat.carried {
            let pair = [carry.current, carry.next].map(|id| self.plan.buffers.get(id.0));
            let [Some(current), Some(next)] = pair else {
                return Err(self.wrong("a loop carries a buffer that is not there"));
            };
            let arena = current.place == Place::Arena && next.place == Place::Arena;
            if !arena || current.ty != next.ty {
                let names = format!("`{}` and `{}`", current.name, next.name);
                let reason = format!("a loop exchanges {names}, which are not alike in the arena");
                return Err(self.wrong(reason));
            }
        }
        for &zeroed in &repeat.zeroed {
            if !self.writable(zeroed)? {
                return Err(self.wrong("a loop fills a read-only buffer with zeros"));
            }
        }
        Ok(())
    }

    /// Whether the plan may write the buffer.
    fn writable(&self, id: BufferId) -> Result<bool, FormatError> {
        let buffer = self.plan.buffers.get(id.0);
        let buffer = buffer.ok_or_else(|| self.wrong(format!("there is no buffer {}", id.0)))?;
        Ok(matches!(buffer.place, Place::Arena | Place::Output(_)))
    }

    fn scalar(&self, id: BufferId, dtype: DType, written: bool) -> Result<(), FormatError> {
        let writable = self.writable(id)?;
        if self.plan.buffers[id.0].ty != TensorType::scalar(dtype) || (written && !writable) {
            let reason = format!("buffer {} is no `{dtype}[]` that can be used so", id.0);
            return Err(self.wrong(reason));
        }
        Ok(())
    }
}
