use eyas_ir::{BinaryFunction, Body, BodyBuilder, Reduction, Scalar, ScalarId, ScalarOp};
use eyas_kernels::{Capabilities, Fold, Reduce, Stage, expand};
use eyas_tensor::DType;

/// All bodies of a reduction as one: what two of them share is a node, so that a thread which
/// keeps its elements computes it once.
pub(crate) struct Phases {
    /// Its inputs are the kernel's reads, what the stages' folds give, and the row's reads.
    pub(crate) body: Body,
    /// What each stage folds.
    pub(crate) stages: Vec<ScalarId>,
    /// What is stored once a row.
    pub(crate) row: Vec<ScalarId>,
    /// What is stored at every place.
    pub(crate) element: Vec<ScalarId>,
    varies: Vec<bool>,
}

/// The type that values are folded in: f32 for narrower floats, i32 for narrower integers and
/// truth values, whose wrapping and rounding waits until the fold is done.
pub(crate) fn folded_in(accumulator: DType) -> DType {
    use DType::*;
    match accumulator {
        F64 | F32 | I64 | I32 | U64 | U32 => accumulator,
        F16 | BF16 | F8E4M3 | F8E5M2 => F32,
        I16 | I8 | I4 | U16 | U8 | U4 | Bool => I32,
    }
}

/// How two values of [`folded_in`]'s type become one.
pub(crate) fn combination(reduction: Reduction, accumulator: DType) -> BinaryFunction {
    match (reduction, accumulator) {
        (Reduction::Maximum, _) | (Reduction::Sum, DType::Bool) => BinaryFunction::Maximum,
        (Reduction::Minimum, _) | (Reduction::Product, DType::Bool) => BinaryFunction::Minimum,
        (Reduction::Sum, _) => BinaryFunction::Add,
        (Reduction::Product, _) => BinaryFunction::Multiply,
    }
}

impl Phases {
    /// Of a reduction whose bodies are expanded. `types` are those of its reads, then of the row's;
    /// `varies` says of each read whether it changes along a row.
    pub(crate) fn new(reduce: &Reduce, types: &[DType], varies: &[bool]) -> Phases {
        let mut builder = BodyBuilder::new();
        let (reads, more) = types.split_at(reduce.reads.len());
        let reads: Vec<ScalarId> = reads.iter().map(|&dtype| builder.input(dtype)).collect();
        let mut results: Vec<ScalarId> = Vec::new();
        for stage in &reduce.stages {
            let fold = builder.input(fold_type(stage));
            results.push(converted(&mut builder, fold, &[stage.result()]));
        }
        let more: Vec<ScalarId> = more.iter().map(|&dtype| builder.input(dtype)).collect();
        let mut outputs = Vec::new();
        for (number, stage) in reduce.stages.iter().enumerate() {
            let inputs = [&reads[..], &results[..number]].concat();
            let value = builder.inline(&stage.body, &inputs)[0];
            let types = [stage.accumulator, folded_in(stage.accumulator)];
            outputs.push(converted(&mut builder, value, &types));
        }
        if let Some(row) = &reduce.row {
            outputs.extend(builder.inline(&row.body, &[&results[..], &more].concat()));
        }
        if let Some(element) = &reduce.element {
            outputs.extend(builder.inline(&element.body, &[&reads[..], &results].concat()));
        }
        let body = builder.finish(&outputs);
        let (stages, rest) = body.outputs.split_at(reduce.stages.len());
        let (row, element) = rest.split_at(reduce.row.as_ref().map_or(0, |row| row.writes.len()));
        Phases {
            stages: stages.to_vec(),
            row: row.to_vec(),
            element: element.to_vec(),
            varies: varying(&body, varies, reduce.outer.len()),
            body,
        }
    }

    /// The node that is an input, where a body asks for it.
    pub(crate) fn input(&self, number: usize) -> Option<ScalarId> {
        let mut nodes = self.body.nodes.iter();
        let is_it = |node: &Scalar| matches!(node.op, ScalarOp::Input(n) if n as usize == number);
        nodes.position(is_it).map(|place| ScalarId(place as u32))
    }

    /// Whether a node is an input.
    pub(crate) fn is_input(&self, id: ScalarId) -> bool {
        matches!(self.body.node(id).op, ScalarOp::Input(_))
    }

    /// Whether a node changes along a row.
    pub(crate) fn varies(&self, id: ScalarId) -> bool {
        self.varies[id.0 as usize]
    }

    /// The nodes that lead to some, operands before their users; nothing of what is known.
    pub(crate) fn towards(
        &self,
        wanted: &[ScalarId],
        known: impl Fn(ScalarId) -> bool,
    ) -> Vec<ScalarId> {
        let mut needed = vec![false; self.body.nodes.len()];
        for id in wanted {
            needed[id.0 as usize] = true;
        }
        for place in (0..needed.len()).rev() {
            needed[place] &= !known(ScalarId(place as u32));
            if needed[place] {
                for operand in self.body.nodes[place].op.operands() {
                    needed[operand.0 as usize] = true;
                }
            }
        }
        let places = (0..needed.len()).filter(|&place| needed[place]);
        places.map(|place| ScalarId(place as u32)).collect()
    }

    /// Nodes that are computed for each element, those of every phase counted anew.
    pub(crate) fn cost(&self) -> usize {
        let stages = self.stages.iter().map(std::slice::from_ref);
        let phases = stages.chain([&self.element[..]]);
        let counts = phases.map(|wanted| {
            let all = self.towards(wanted, |_| false);
            all.iter().filter(|id| self.varies(**id)).count()
        });
        counts.sum()
    }

    /// Registers of 32 bits that an element takes at most between two phases of a thread that
    /// keeps what it has.
    pub(crate) fn kept(&self) -> usize {
        let mut phases: Vec<Vec<ScalarId>> = self.stages.iter().map(|id| vec![*id]).collect();
        phases.push(self.element.clone());
        let mut known: Vec<ScalarId> = Vec::new();
        let mut most = 0;
        for phase in 0..phases.len() {
            let done = self.towards(&phases[phase], |id| known.contains(&id));
            // What is first read after all stages is not kept.
            if phase < self.stages.len() {
                known.extend(done.iter().filter(|id| self.is_input(**id)));
            }
            let later = phases[phase..].concat();
            let rest = self.towards(&later, |id| known.contains(&id));
            let operands = rest.iter().flat_map(|id| self.body.node(*id).op.operands());
            let mut live: Vec<ScalarId> = operands.chain(later).collect();
            live.retain(|id| known.contains(id) && self.varies(*id));
            live.sort_unstable();
            live.dedup();
            let words = live
                .iter()
                .map(|id| self.body.node(*id).dtype.bits().div_ceil(32));
            most = most.max(words.sum());
            known.extend(done.into_iter().filter(|id| !self.is_input(*id)));
        }
        most
    }
}

/// The type that a stage's fold comes in.
fn fold_type(stage: &Stage) -> DType {
    match stage.fold {
        Fold::Value(_) => folded_in(stage.accumulator),
        Fold::Arg(_) => DType::I64,
    }
}

/// A value as one type after the other, in ops that the machine has.
fn converted(builder: &mut BodyBuilder, value: ScalarId, types: &[DType]) -> ScalarId {
    let mut own = BodyBuilder::new();
    let mut result = own.input(builder.dtype(value));
    for &dtype in types {
        result = own.cast(result, dtype);
    }
    let body = expand(&own.finish(&[result]), Capabilities::ALL);
    builder.inline(&body, &[value])[0]
}

fn varying(body: &Body, reads: &[bool], outer: usize) -> Vec<bool> {
    let mut varies: Vec<bool> = Vec::with_capacity(body.nodes.len());
    for node in &body.nodes {
        let own = match node.op {
            ScalarOp::Input(input) => reads.get(input as usize).copied().unwrap_or(false),
            ScalarOp::Index(axis) => axis as usize >= outer,
            ref op => op.operands().iter().any(|id| varies[id.0 as usize]),
        };
        varies.push(own);
    }
    varies
}
