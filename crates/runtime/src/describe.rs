use std::collections::BTreeMap;

use eyas_plan::{Grid, Machine, Place, Plan, Step};
use eyas_tensor::{Dim, TensorType};
use serde::Serialize;

use crate::format::{NO_HASH, SectionKind, VERSION};
use crate::program::{Value, missing};
use crate::stored_tensor::StoredTensor;
use crate::{EntryPoint, KernelSet, ParameterKind, Provenance, TargetCode, ValueOrigin};

/// What is in a kernel set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// The version of the file's format.
    pub format: u32,
    /// Where it comes from.
    pub provenance: Provenance,
    /// The dims that inputs bind.
    pub symbols: Vec<String>,
    /// What is checked when they are bound.
    pub facts: Vec<String>,
    /// What can be called.
    pub entries: Vec<EntryPoint>,
    /// Parameters and states.
    pub parameters: Vec<ParameterDescription>,
    /// Parameters that were computed from others, and constants.
    pub tensors: Vec<TensorDescription>,
    /// The code, by kind of machine.
    pub targets: Vec<TargetDescription>,
    /// The file's sections; none where it was not read from a file.
    pub sections: Vec<SectionDescription>,
}

/// A parameter or a state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterDescription {
    /// Its path.
    pub path: String,
    /// Its type.
    pub ty: TensorType,
    /// Who changes it.
    pub kind: ParameterKind,
    /// Where its value comes from; `None` where it has none.
    pub origin: Option<ValueOrigin>,
    /// The BLAKE3 hash of its value in hexadecimal.
    pub hash: Option<String>,
}

/// A tensor that is no parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TensorDescription {
    /// A derived parameter's path, or `constant N`.
    pub name: String,
    /// Its type.
    pub ty: TensorType,
    /// How many bytes it has.
    pub bytes: usize,
    /// The BLAKE3 hash of its value in hexadecimal.
    pub hash: String,
}

/// The code for one kind of machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetDescription {
    /// What it is made for.
    pub machine: Machine,
    /// What it needs of the processor and this one lacks; nothing where it is for a GPU.
    pub missing: Vec<String>,
    /// Whether it is what runs on this machine's processor.
    pub runs: bool,
    /// How many bytes of machine code or of PTX text there are.
    pub code_bytes: usize,
    /// Their BLAKE3 hash in hexadecimal.
    pub code_hash: String,
    /// The functions.
    pub functions: Vec<FunctionDescription>,
    /// The plans: of entry points, then of derived parameters.
    pub plans: Vec<PlanDescription>,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FunctionDescription {
    /// The kernel's name.
    pub name: String,
    /// Where it begins in the code.
    pub offset: usize,
    /// How many bytes it has.
    pub size: usize,
    /// What it is called with: element type and length, `write` before what it writes.
    pub arguments: Vec<String>,
    /// Into how many units its work can be split.
    pub units: Dim,
    /// Bytes of scratch memory a thread needs; on a GPU, that a launch needs.
    pub scratch: Dim,
    /// How a GPU launches it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanDescription {
    /// The entry point's name or the derived parameter's path.
    pub name: String,
    /// The binding that it serves; `None` where it serves all.
    pub binding: Option<BTreeMap<String, i64>>,
    /// How many launches there are, those in loops and branches counted once.
    pub launches: usize,
    /// How many loops.
    pub loops: usize,
    /// The buffers in the arena.
    pub arena: Vec<BufferDescription>,
}

/// A buffer in the arena.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BufferDescription {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: TensorType,
    /// The first and the last step in which it matters.
    pub live: (u32, u32),
}

/// A section of the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SectionDescription {
    /// Its name, with its number where there may be several.
    pub name: String,
    /// Where it begins.
    pub offset: usize,
    /// How many bytes it has.
    pub length: usize,
    /// Their BLAKE3 hash in hexadecimal; of tensors the hash of their hashes.
    pub hash: String,
}

impl KernelSet {
    /// What is in here.
    pub fn describe(&self) -> Description {
        let program = &self.program;
        let parameters = program.parameters.iter().map(|(path, declaration)| {
            let value = self.values.get(path);
            ParameterDescription {
                path: path.clone(),
                ty: declaration.ty.clone(),
                kind: declaration.kind,
                origin: value.map(|value| value.origin),
                hash: value.map(|value| value.tensor.hash().to_hex().to_string()),
            }
        });
        let derived = |(path, value): (&String, &Value)| {
            let own = !program.parameters.contains_key(path);
            own.then(|| describe_tensor(path.clone(), &value.tensor))
        };
        let derived = self.values.iter().filter_map(derived);
        let constants = program.constants.iter().enumerate();
        let constants =
            constants.map(|(number, tensor)| describe_tensor(format!("constant {number}"), tensor));
        let runs = self.active.as_ref().map(|active| active.target);
        let targets = program.targets.iter().enumerate();
        let targets =
            targets.map(|(place, target)| self.describe_target(target, runs == Some(place)));
        let source = self.source.as_ref();
        let sections = source.map_or(&[][..], |source| &source.sections).iter();
        let sections = sections.map(|section| SectionDescription {
            name: section.name(),
            offset: section.offset,
            length: section.length,
            hash: match section.kind {
                SectionKind::Tensors => source.map_or(NO_HASH, |source| source.hash_of_hashes()),
                SectionKind::Manifest | SectionKind::Plans | SectionKind::Code => section.hash,
            }
            .to_hex()
            .to_string(),
        });
        Description {
            format: VERSION,
            provenance: program.provenance.clone(),
            symbols: program.symbols.clone(),
            facts: program.facts.iter().map(ToString::to_string).collect(),
            entries: program.entries.clone(),
            parameters: parameters.collect(),
            tensors: derived.chain(constants).collect(),
            targets: targets.collect(),
            sections: sections.collect(),
        }
    }

    fn describe_target(&self, target: &TargetCode, runs: bool) -> TargetDescription {
        let functions = target.code.functions.iter().map(|function| {
            let arguments = function.arguments.iter().map(|argument| {
                let write = if argument.writes { "write " } else { "" };
                format!("{write}{}[{}]", argument.dtype, argument.length)
            });
            FunctionDescription {
                name: function.name.clone(),
                offset: function.offset,
                size: function.size,
                arguments: arguments.collect(),
                units: function.units.clone(),
                scratch: function.scratch.clone(),
                grid: function.grid.clone(),
            }
        });
        let mut plans = Vec::new();
        for (entry, all) in self.program.entries.iter().zip(&target.entries) {
            plans.push(describe_plan(&entry.name, None, &all.generic));
            for special in &all.specialised {
                let binding = Some(special.binding.clone());
                plans.push(describe_plan(&entry.name, binding, &special.plan));
            }
        }
        for (derived, plan) in self.program.derived.iter().zip(&target.derived) {
            let plan = plan.iter();
            plans.extend(plan.map(|plan| describe_plan(&derived.path, None, plan)));
        }
        TargetDescription {
            machine: target.machine.clone(),
            missing: missing(&target.machine),
            runs,
            code_bytes: target.code.bytes.len(),
            code_hash: blake3::hash(&target.code.bytes).to_hex().to_string(),
            functions: functions.collect(),
            plans,
        }
    }
}

fn describe_tensor(name: String, tensor: &StoredTensor) -> TensorDescription {
    TensorDescription {
        name,
        ty: tensor.ty(),
        bytes: tensor.bytes().len(),
        hash: tensor.hash().to_hex().to_string(),
    }
}

fn describe_plan(
    name: &str,
    binding: Option<BTreeMap<String, i64>>,
    plan: &Plan,
) -> PlanDescription {
    let (mut launches, mut loops) = (0, 0);
    count(&plan.steps, &mut launches, &mut loops);
    let arena = plan.buffers.iter();
    let arena = arena.filter(|buffer| buffer.place == Place::Arena);
    let arena = arena.map(|buffer| BufferDescription {
        name: buffer.name.clone(),
        ty: buffer.ty.clone(),
        live: (buffer.live.first, buffer.live.last),
    });
    PlanDescription {
        name: name.to_owned(),
        binding,
        launches,
        loops,
        arena: arena.collect(),
    }
}

fn count(steps: &[Step], launches: &mut usize, loops: &mut usize) {
    for step in steps {
        match step {
            Step::Launch(_) => *launches += 1,
            Step::Loop(repeat) => {
                *loops += 1;
                count(&repeat.body, launches, loops);
            }
            Step::If(branch) => {
                count(&branch.then, launches, loops);
                count(&branch.otherwise, launches, loops);
            }
        }
    }
}
