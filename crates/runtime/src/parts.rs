use std::collections::BTreeMap;

use eyas_plan::{Code, Machine, Plan, PlanInput, PlanOutput};
use eyas_tensor::{Facts, Tensor, TensorType};
use serde::{Deserialize, Serialize};

/// What a compiler makes a [`crate::KernelSet`] of.
#[derive(Debug, Clone, Default)]
pub struct KernelSetParts {
    /// The dims that inputs bind.
    pub symbols: Vec<String>,
    /// What is checked when they are bound.
    pub facts: Facts,
    /// Parameters and states by path.
    pub parameters: BTreeMap<String, ParameterPart>,
    /// Parameters that are computed from others when weights are bound; later ones may read
    /// earlier ones.
    pub derived: Vec<DerivedParameter>,
    /// Values of derived parameters by path, counters filled in, where they are known already.
    pub derived_values: BTreeMap<String, Tensor>,
    /// What can be called.
    pub entries: Vec<EntryPoint>,
    /// The tensors that plans name by number.
    pub constants: Vec<Tensor>,
    /// The code, once for each kind of machine.
    pub targets: Vec<TargetCode>,
    /// Where it all comes from.
    pub provenance: Provenance,
}

/// A parameter or a state with what it holds.
#[derive(Debug, Clone)]
pub struct ParameterPart {
    /// Its type; the extents are constants.
    pub ty: TensorType,
    /// Who changes it.
    pub kind: ParameterKind,
    /// Its value; `None` where [`crate::KernelSet::bind`] must give it.
    pub value: Option<Tensor>,
    /// Where the value comes from.
    pub origin: ValueOrigin,
}

/// Who changes a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// Training alone.
    Parameter,
    /// Every run; each session has its own.
    State,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueOrigin {
    /// A weight file or the caller.
    Given,
    /// The source's initialiser.
    Initialised,
    /// Other parameters.
    Derived,
}

/// A parameter that is computed from others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DerivedParameter {
    /// Its path; `{i}` in it stands for a counter.
    pub path: String,
    /// Its type; the extents are constants.
    pub ty: TensorType,
    /// For each counter in the path: its first value and how many there are.
    pub counters: Vec<(String, i64, i64)>,
}

/// Something that can be called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryPoint {
    /// Its name.
    pub name: String,
    /// What is passed in, in order.
    pub inputs: Vec<PlanInput>,
    /// What is given back or kept, in order.
    pub outputs: Vec<PlanOutput>,
}

/// Code for one kind of machine, and the plans that launch it.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetCode {
    /// What the code is made for.
    pub machine: Machine,
    /// The plans of each entry point, in order.
    pub entries: Vec<EntryPlans>,
    /// The plan of each derived parameter, in order: no inputs, one output; `None` of one that this
    /// code does not read.
    pub derived: Vec<Option<Plan>>,
    /// The functions.
    pub code: Code,
}

/// The plans of an entry point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryPlans {
    /// Serves every binding.
    pub generic: Plan,
    /// Serve one binding each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub specialised: Vec<SpecialisedPlan>,
}

/// A plan for some values of some symbols.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecialisedPlan {
    /// The values.
    pub binding: BTreeMap<String, i64>,
    /// The plan.
    pub plan: Plan,
}

/// Where a kernel set comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The compiler and its version.
    pub compiler: String,
    /// The options that it was given, by name.
    pub options: BTreeMap<String, String>,
    /// How often each rewrite rule fired.
    pub rules: BTreeMap<String, u64>,
    /// The BLAKE3 hash of the source.
    pub source_hash: Option<String>,
    /// Parameters whose values rewrites have looked at; other weights cannot be bound to them.
    #[serde(default)]
    pub frozen: Vec<String>,
    /// Where in the source kernels come from, by kernel name.
    #[serde(default)]
    pub kernels: BTreeMap<String, KernelOrigin>,
}

/// Where in the source a kernel comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelOrigin {
    /// Label paths.
    pub labels: Vec<String>,
    /// Places, as `file:line:column`.
    pub spans: Vec<String>,
}

impl DerivedParameter {
    /// All values of the counters, with the path that each gives; `None` for too many.
    pub(crate) fn instances(&self) -> Option<Vec<(BTreeMap<String, i64>, String)>> {
        let counts = self.counters.iter().map(|(_, _, count)| *count);
        let total = counts
            .clone()
            .try_fold(1i64, |n, count| n.checked_mul(count))?;
        let length = i64::try_from(self.path.len()).ok()?;
        let bytes = total.checked_mul(length.max(1))?;
        let negative = counts.into_iter().any(|count| count < 0);
        if negative || total > MAX_INSTANCES || bytes > MAX_PATH_BYTES {
            return None;
        }
        let mut instances = vec![BTreeMap::new()];
        for (name, first, count) in &self.counters {
            let end = first.checked_add(*count)?;
            if i64::try_from(instances.len()).ok()?.checked_mul(*count)? > MAX_INSTANCES {
                return None;
            }
            instances = instances
                .iter()
                .flat_map(|instance| {
                    (*first..end).map(|value| {
                        let mut instance = instance.clone();
                        instance.insert(name.clone(), value);
                        instance
                    })
                })
                .collect();
        }
        let named = instances.into_iter().map(|counters| {
            let path = fill_in(&self.path, &counters);
            (counters, path)
        });
        Some(named.collect())
    }
}

/// Instances that one derived parameter may have.
const MAX_INSTANCES: i64 = 1 << 16;

/// Bytes that the paths of all instances may take.
const MAX_PATH_BYTES: i64 = 1 << 26;

/// The path with each counter's value for its `{name}`.
pub(crate) fn fill_in(template: &str, counters: &BTreeMap<String, i64>) -> String {
    let mut path = template.to_owned();
    for (name, value) in counters {
        path = path.replace(&format!("{{{name}}}"), &value.to_string());
    }
    path
}

/// The counters that a path still names.
pub(crate) fn counters_in(template: &str) -> Vec<&str> {
    let parts = template.split('{').skip(1);
    let mut names: Vec<&str> = Vec::new();
    for name in parts.filter_map(|part| part.split_once('}').map(|(name, _)| name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether a path is a template's with a number for each counter.
pub(crate) fn matches_template(template: &str, path: &str) -> bool {
    let Some((before, rest)) = template.split_once('{') else {
        return template == path;
    };
    let Some((_, after)) = rest.split_once('}') else {
        return template == path;
    };
    let Some(path) = path.strip_prefix(before) else {
        return false;
    };
    let path = path.strip_prefix('-').unwrap_or(path);
    let digits = path.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && matches_template(after, &path[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_stand_for_the_paths_that_their_counters_give() {
        assert_eq!(counters_in("a.{i}.b{j}.{i}"), ["i", "j"]);
        assert!(matches_template("a.{i}.b.{j}", "a.0.b.12"));
        assert!(!matches_template("a.{i}.b", "a.x.b") && !matches_template("a.{i}", "a.1.b"));
        let derived = DerivedParameter {
            path: "a.{i}.b.{j}".to_owned(),
            ty: "f32[]".parse().unwrap(),
            counters: vec![("i".to_owned(), 2, 2), ("j".to_owned(), 0, 2)],
        };
        let paths = derived
            .instances()
            .unwrap()
            .into_iter()
            .map(|(_, path)| path);
        let expected = ["a.2.b.0", "a.2.b.1", "a.3.b.0", "a.3.b.1"];
        assert_eq!(paths.collect::<Vec<_>>(), expected);
        let many = vec![("i".to_owned(), 0, 1 << 40), ("j".to_owned(), 0, 0)];
        let endless = DerivedParameter {
            counters: many,
            ..derived
        };
        assert!(
            endless
                .instances()
                .is_none_or(|instances| instances.is_empty())
        );
    }
}
