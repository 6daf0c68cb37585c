use std::collections::BTreeSet;

use eyas_ir::{Body, BodyBuilder, ScalarId};
use eyas_kernels::{Access, Argument, ElementFinish, Map, Reduce, Role, RowFinish, Stage, Work};
use eyas_plan::{BufferId, Launch, Operand, Step};
use eyas_tensor::DType;

use crate::ClaimResult;
use crate::assemble::stage_result;
use crate::graph_writer::GraphWriter;

/// Steps that a launch may be moved forward over to another.
const WINDOW: usize = 12;

/// Arguments that a kernel made of two may have.
const MAX_ARGUMENTS: usize = 14;

/// Nodes that its bodies may have.
const MAX_NODES: usize = 256;

impl GraphWriter<'_, '_, '_> {
    /// Makes one kernel with several results of kernels over one space that read the same places,
    /// or of which one reads what the other writes.
    pub(crate) fn merge_kernels(&mut self) {
        let mut first = 0;
        while first < self.steps.len() {
            match self
                .partner(first)
                .and_then(|second| self.merged(first, second))
            {
                Some((second, pair)) => self.replace(first, second, pair),
                None => first += 1,
            }
        }
    }

    fn launch_at(&self, step: usize) -> Option<&Launch> {
        match self.steps.get(step) {
            Some(Step::Launch(launch)) => Some(launch),
            _ => None,
        }
    }

    /// A later launch that can be done at once with this one.
    fn partner(&self, first: usize) -> Option<usize> {
        let launch = self.launch_at(first)?;
        let kernel = &self.scheduler.kernels[launch.kernel];
        let mut between: Vec<&Launch> = Vec::new();
        for second in first + 1..self.steps.len().min(first + 1 + WINDOW) {
            let other = self.launch_at(second)?;
            let partner = &self.scheduler.kernels[other.kernel];
            let alone = |earlier: &&Launch| self.is_independent(earlier, other);
            if same_space(&kernel.work, &partner.work)
                && between.iter().all(alone)
                && self.is_worth_merging(launch, other)
            {
                return Some(second);
            }
            between.push(other);
        }
        None
    }

    /// Buffers that a launch reads or writes.
    fn touched(&self, launch: &Launch, reads: bool) -> BTreeSet<BufferId> {
        let arguments = &self.scheduler.kernels[launch.kernel].arguments;
        let pairs = launch.arguments.iter().zip(arguments);
        let own = pairs.filter(|(_, argument)| (argument.role == Role::Read) == reads);
        own.map(|(operand, _)| operand.buffer).collect()
    }

    /// Whether two launches may change places.
    fn is_independent(&self, earlier: &Launch, later: &Launch) -> bool {
        let (writes, other) = (self.touched(earlier, false), self.touched(later, false));
        writes.is_disjoint(&other)
            && writes.is_disjoint(&self.touched(later, true))
            && other.is_disjoint(&self.touched(earlier, true))
    }

    /// Whether the two read a place in common, and neither's results stand in the other's way.
    fn is_worth_merging(&self, first: &Launch, second: &Launch) -> bool {
        let (one, other) = (
            &self.scheduler.kernels[first.kernel],
            &self.scheduler.kernels[second.kernel],
        );
        let arguments = first.arguments.len() + second.arguments.len();
        let nodes = one.bodies().into_iter().chain(other.bodies());
        let updates = one.arguments.iter().chain(&other.arguments);
        if arguments > MAX_ARGUMENTS
            || nodes.map(|body| body.nodes.len()).sum::<usize>() > MAX_NODES
            || updates
                .into_iter()
                .any(|argument| argument.role == Role::Update)
        {
            return false;
        }
        let (written, rewritten) = (self.touched(first, false), self.touched(second, false));
        if !written.is_disjoint(&rewritten) || !rewritten.is_disjoint(&self.touched(first, true)) {
            return false;
        }
        // What a part was written of is not there before the other parts are.
        let results = &self.scheduler.claims[first.kernel].results;
        let whole = |result: &ClaimResult| matches!(result, ClaimResult::Value(_));
        let maps = matches!((&one.work, &other.work), (Work::Map(_), Work::Map(_)))
            && results.iter().all(whole);
        let places = |launch: &Launch, role: Role| -> Vec<(Operand, Access)> {
            let kernel = &self.scheduler.kernels[launch.kernel];
            let own = kernel
                .accesses()
                .into_iter()
                .filter(|(_, own)| *own == role);
            own.map(|(access, _)| (launch.arguments[access.argument].clone(), anonymous(access)))
                .collect()
        };
        let (reads, writes) = (places(first, Role::Read), places(first, Role::Write));
        let mut common = false;
        let kernel = other.accesses().into_iter();
        for (access, _) in kernel.filter(|(_, role)| *role == Role::Read) {
            let index = access
                .indirect
                .as_ref()
                .map(|indirect| indirect.index.argument);
            if index.is_some_and(|index| written.contains(&second.arguments[index].buffer)) {
                return false;
            }
            let place = (second.arguments[access.argument].clone(), anonymous(access));
            if written.contains(&place.0.buffer) {
                if !maps || !writes.contains(&place) {
                    return false;
                }
                common = true;
            }
            let moves = access.strides.iter().all(|stride| !stride.is(0));
            common |= moves && reads.contains(&place);
        }
        common
    }

    fn merged(&self, first: usize, second: usize) -> Option<(usize, Pair)> {
        let (one, other) = (self.launch_at(first)?, self.launch_at(second)?);
        let (kernel, partner) = (
            &self.scheduler.kernels[one.kernel],
            &self.scheduler.kernels[other.kernel],
        );
        let mut operands = one.arguments.clone();
        let mut arguments = kernel.arguments.clone();
        let mut places = Vec::with_capacity(partner.arguments.len());
        for (operand, argument) in other.arguments.iter().zip(&partner.arguments) {
            let known = operands.iter().zip(&arguments).position(|(known, own)| {
                let reads = own.role == Role::Read && argument.role == Role::Read;
                let written = own.role == Role::Write && argument.role == Role::Read;
                known == operand && own.dtype == argument.dtype && (reads || written)
            });
            places.push(known.unwrap_or(operands.len()));
            if known.is_none() {
                operands.push(operand.clone());
                arguments.push(argument.clone());
            }
        }
        let work = match (&kernel.work, &partner.work) {
            (Work::Map(a), Work::Map(b)) => Work::Map(merge_maps(a, &moved_map(b, &places))),
            (Work::Reduce(a), Work::Reduce(b)) => {
                Work::Reduce(merge_reduces(a, &moved_reduce(b, &places)))
            }
            _ => return None,
        };
        let pair = Pair {
            work,
            operands,
            arguments,
        };
        Some((second, pair))
    }

    fn replace(&mut self, first: usize, second: usize, pair: Pair) {
        let (Some(one), Some(other)) = (self.launch_at(first), self.launch_at(second)) else {
            return;
        };
        let (one, other) = (one.kernel, other.kernel);
        let origin = self.scheduler.kernels[other].origin.clone();
        let (kernel_rows, partner_rows) = (self.rows_written(one), self.rows_written(other));
        let results = self.scheduler.claims[other].results.clone();
        let claim = &mut self.scheduler.claims[one];
        let own = claim.results.clone();
        claim.results = [
            &own[..kernel_rows],
            &results[..partner_rows],
            &own[kernel_rows..],
            &results[partner_rows..],
        ]
        .concat();
        let kernel = &mut self.scheduler.kernels[one];
        kernel.work = pair.work;
        kernel.arguments = pair.arguments;
        kernel.origin.merge(&origin);
        self.scheduler.merged.insert(other);
        self.steps.remove(second);
        self.steps[first] = Step::Launch(Launch {
            kernel: one,
            arguments: pair.operands,
        });
        self.drop_dead_writes(first);
    }

    /// How many results a kernel writes once a row; they come before the others.
    fn rows_written(&self, kernel: usize) -> usize {
        match &self.scheduler.kernels[kernel].work {
            Work::Reduce(reduce) => reduce.row.as_ref().map_or(0, |row| row.writes.len()),
            _ => 0,
        }
    }

    /// Leaves out results of a map that nothing else looks at.
    fn drop_dead_writes(&mut self, step: usize) {
        let Some(launch) = self.launch_at(step).cloned() else {
            return;
        };
        let mut others = BTreeSet::new();
        for (number, step_) in self.steps.iter().enumerate() {
            if number != step {
                touched_in(std::slice::from_ref(step_), &mut others);
            }
        }
        others.extend(self.wanted.iter().copied());
        let kernel = &mut self.scheduler.kernels[launch.kernel];
        let Work::Map(map) = &mut kernel.work else {
            return;
        };
        let is_dead = |access: &Access| !others.contains(&launch.arguments[access.argument].buffer);
        let kept: Vec<usize> = (0..map.writes.len())
            .filter(|&number| !is_dead(&map.writes[number]))
            .collect();
        if kept.len() == map.writes.len() || kept.is_empty() {
            return;
        }
        let mut builder = BodyBuilder::new();
        let inputs: Vec<ScalarId> = map
            .body
            .inputs
            .iter()
            .map(|ty| builder.input(*ty))
            .collect();
        let outputs = builder.inline(&map.body, &inputs);
        let outputs: Vec<ScalarId> = kept.iter().map(|&number| outputs[number]).collect();
        map.body = builder.finish(&outputs);
        map.writes = kept
            .iter()
            .map(|&number| map.writes[number].clone())
            .collect();
        let claim = &mut self.scheduler.claims[launch.kernel];
        claim.results = kept.iter().map(|&number| claim.results[number]).collect();
        let used: BTreeSet<usize> = kernel
            .accesses()
            .into_iter()
            .flat_map(|(access, _)| access.parts().map(|part| part.argument).collect::<Vec<_>>())
            .collect();
        let mut places = vec![0; kernel.arguments.len()];
        for (place, &argument) in used.iter().enumerate() {
            places[argument] = place;
        }
        if let Work::Map(map) = &kernel.work {
            let moved = moved_map(map, &places);
            kernel.work = Work::Map(moved);
        }
        kernel.arguments = used
            .iter()
            .map(|&place| kernel.arguments[place].clone())
            .collect();
        self.steps[step] = Step::Launch(Launch {
            kernel: launch.kernel,
            arguments: used
                .iter()
                .map(|&place| launch.arguments[place].clone())
                .collect(),
        });
    }
}

/// Two kernels as one.
struct Pair {
    work: Work,
    operands: Vec<Operand>,
    arguments: Vec<Argument>,
}

/// The access whatever its argument's number.
fn anonymous(access: &Access) -> Access {
    let mut access = access.clone();
    access.argument = 0;
    access
}

fn same_space(one: &Work, other: &Work) -> bool {
    match (one, other) {
        (Work::Map(a), Work::Map(b)) => a.extents == b.extents,
        (Work::Reduce(a), Work::Reduce(b)) => a.outer == b.outer && a.inner == b.inner,
        _ => false,
    }
}

fn touched_in(steps: &[Step], found: &mut BTreeSet<BufferId>) {
    for step in steps {
        match step {
            Step::Launch(launch) => found.extend(launch.arguments.iter().map(|a| a.buffer)),
            Step::Loop(looped) => {
                found.extend(looped.carried.iter().flat_map(|c| [c.current, c.next]));
                found.extend(looped.counter.iter().chain(&looped.condition));
                found.extend(&looped.zeroed);
                touched_in(&looped.body, found);
            }
            Step::If(branches) => {
                found.insert(branches.condition);
                touched_in(&branches.then, found);
                touched_in(&branches.otherwise, found);
            }
        }
    }
}

fn moved(access: &Access, places: &[usize]) -> Access {
    let mut access = access.clone();
    access.argument = places[access.argument];
    if let Some(indirect) = &mut access.indirect {
        indirect.index.argument = places[indirect.index.argument];
    }
    access
}

fn moved_all(accesses: &[Access], places: &[usize]) -> Vec<Access> {
    accesses
        .iter()
        .map(|access| moved(access, places))
        .collect()
}

fn moved_map(map: &Map, places: &[usize]) -> Map {
    Map {
        reads: moved_all(&map.reads, places),
        writes: moved_all(&map.writes, places),
        ..map.clone()
    }
}

fn moved_reduce(reduce: &Reduce, places: &[usize]) -> Reduce {
    let mut moved = reduce.clone();
    moved.reads = moved_all(&reduce.reads, places);
    if let Some(row) = &mut moved.row {
        row.reads = moved_all(&row.reads, places);
        row.writes = moved_all(&row.writes, places);
    }
    if let Some(element) = &mut moved.element {
        element.writes = moved_all(&element.writes, places);
    }
    moved
}

/// The place of an access among others, which take it up where it is new.
fn place_of(access: &Access, all: &mut Vec<Access>) -> usize {
    let known = all.iter().position(|own| own == access);
    known.unwrap_or_else(|| {
        all.push(access.clone());
        all.len() - 1
    })
}

/// Both maps; what the second reads of the first's results, it takes from the body.
fn merge_maps(a: &Map, b: &Map) -> Map {
    let mut reads = a.reads.clone();
    let mut types = a.body.inputs.clone();
    let mut sources: Vec<Result<usize, usize>> = Vec::new();
    for (read, ty) in b.reads.iter().zip(&b.body.inputs) {
        if let Some(result) = a.writes.iter().position(|write| write == read) {
            sources.push(Err(result));
            continue;
        }
        let place = place_of(read, &mut reads);
        if place == types.len() {
            types.push(*ty);
        }
        sources.push(Ok(place));
    }
    let mut builder = BodyBuilder::new();
    let inputs: Vec<ScalarId> = types.iter().map(|ty| builder.input(*ty)).collect();
    let mut outputs = builder.inline(&a.body, &inputs[..a.reads.len()]);
    let own: Vec<ScalarId> = sources
        .into_iter()
        .map(|source| match source {
            Ok(place) => inputs[place],
            Err(result) => outputs[result],
        })
        .collect();
    let more = builder.inline(&b.body, &own);
    outputs.extend(more);
    Map {
        extents: a.extents.clone(),
        reads,
        body: builder.finish(&outputs),
        writes: [&a.writes[..], &b.writes].concat(),
    }
}

/// A body over other inputs: `places` says which of them each of its own is.
fn over(body: &Body, types: &[DType], places: &[usize]) -> Body {
    let mut builder = BodyBuilder::new();
    let inputs: Vec<ScalarId> = types.iter().map(|ty| builder.input(*ty)).collect();
    let own: Vec<ScalarId> = places.iter().map(|&place| inputs[place]).collect();
    let outputs = builder.inline(body, &own);
    builder.finish(&outputs)
}

/// Both bodies over common inputs, the results of the first before those of the second.
fn both(a: &Body, b: &Body) -> Body {
    let mut builder = BodyBuilder::new();
    let inputs: Vec<ScalarId> = a.inputs.iter().map(|ty| builder.input(*ty)).collect();
    let mut outputs = builder.inline(a, &inputs);
    outputs.extend(builder.inline(b, &inputs));
    builder.finish(&outputs)
}

/// The stages and reads of two reductions while they become one.
struct Rows {
    reads: Vec<Access>,
    types: Vec<DType>,
    stages: Vec<Stage>,
    results: Vec<DType>,
}

impl Rows {
    /// Takes up a reduction; gives the places of its reads, and of its stages.
    fn take(&mut self, reduce: &Reduce, places: &[usize]) -> Vec<usize> {
        let mut stages: Vec<usize> = Vec::new();
        for stage in &reduce.stages {
            let own: Vec<usize> = stages
                .iter()
                .map(|stage| self.reads.len() + stage)
                .collect();
            let own = [places, &own].concat();
            let types = [&self.types[..], &self.results].concat();
            let body = over(&stage.body, &types, &own[..stage.body.inputs.len()]);
            let known = self.stages.iter().position(|known| {
                let same = (known.fold, known.accumulator) == (stage.fold, stage.accumulator);
                same && known.body.nodes == body.nodes && known.body.outputs == body.outputs
            });
            stages.push(known.unwrap_or(self.stages.len()));
            if known.is_none() {
                self.results
                    .push(stage_result(stage.fold, stage.accumulator));
                self.stages.push(Stage {
                    body,
                    ..stage.clone()
                });
            }
        }
        stages
    }

    fn element(&self, finish: &ElementFinish, places: &[usize], stages: &[usize]) -> Body {
        let own: Vec<usize> = stages
            .iter()
            .map(|stage| self.reads.len() + stage)
            .collect();
        let types = [&self.types[..], &self.results].concat();
        over(&finish.body, &types, &[places, &own].concat())
    }
}

fn merge_reduces(a: &Reduce, b: &Reduce) -> Reduce {
    let mut rows = Rows {
        reads: Vec::new(),
        types: Vec::new(),
        stages: Vec::new(),
        results: Vec::new(),
    };
    let mut reads = Vec::new();
    for reduce in [a, b] {
        let types = &reduce.stages.first().map(|stage| stage.body.inputs.clone());
        let types = types.as_deref().unwrap_or_default();
        let mut own = Vec::new();
        for (read, ty) in reduce.reads.iter().zip(types) {
            let place = place_of(read, &mut rows.reads);
            if place == rows.types.len() {
                rows.types.push(*ty);
            }
            own.push(place);
        }
        reads.push(own);
    }
    let stages: Vec<Vec<usize>> = [a, b]
        .iter()
        .zip(&reads)
        .map(|(reduce, places)| rows.take(reduce, places))
        .collect();
    let mut merged = Reduce {
        outer: a.outer.clone(),
        inner: a.inner.clone(),
        reads: rows.reads.clone(),
        stages: rows.stages.clone(),
        row: None,
        element: None,
    };
    for (number, reduce) in [a, b].into_iter().enumerate() {
        if let Some(finish) = &reduce.element {
            let body = rows.element(finish, &reads[number], &stages[number]);
            let writes = finish.writes.clone();
            merged.element = Some(match merged.element.take() {
                None => ElementFinish { body, writes },
                Some(known) => ElementFinish {
                    body: both(&known.body, &body),
                    writes: [known.writes, writes].concat(),
                },
            });
        }
    }
    merged.row = merge_rows(&rows.results, [(a, &stages[0]), (b, &stages[1])]);
    merged
}

fn merge_rows(results: &[DType], parts: [(&Reduce, &Vec<usize>); 2]) -> Option<RowFinish> {
    let (mut reads, mut types) = (Vec::new(), results.to_vec());
    let mut own = Vec::new();
    for (reduce, stages) in &parts {
        let Some(row) = &reduce.row else { continue };
        let mut places = (*stages).clone();
        for (read, ty) in row.reads.iter().zip(&row.body.inputs[stages.len()..]) {
            let place = place_of(read, &mut reads);
            if results.len() + place == types.len() {
                types.push(*ty);
            }
            places.push(results.len() + place);
        }
        own.push((row, places));
    }
    let mut merged: Option<RowFinish> = None;
    for (row, places) in own {
        let body = over(&row.body, &types, &places);
        let writes = row.writes.clone();
        merged = Some(match merged {
            None => RowFinish {
                reads: reads.clone(),
                body,
                writes,
            },
            Some(known) => RowFinish {
                reads: reads.clone(),
                body: both(&known.body, &body),
                writes: [known.writes, writes].concat(),
            },
        });
    }
    merged
}
