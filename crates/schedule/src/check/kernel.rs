use eyas_ir::{Graph, Op, ScalarId, Value};
use eyas_kernels::{Access, Kernel, Role, Scatter, Work};
use eyas_tensor::DimError;

use super::binding::{Binding, Draw};
use super::matching::{Matching, Site, Source};
use super::place::unflat;
use super::{CheckError, Checker};
use crate::ClaimResult;

/// Random positions that a kernel is looked at besides the corners.
const SAMPLES: usize = 6;

/// Corners that a kernel is looked at, at most.
const CORNERS: usize = 8;

/// What the arguments of a launch hold.
#[derive(Clone, Copy)]
pub(super) struct Memory<'a> {
    /// Whether an argument holds a value.
    pub(super) held: &'a dyn Fn(usize, Value) -> bool,
    /// The path of an argument that is a parameter.
    pub(super) path: &'a dyn Fn(usize) -> Option<String>,
}

/// Checks that a kernel computes what is claimed, from what its arguments hold.
pub(super) fn check(
    checker: &Checker<'_>,
    graph: &Graph,
    kernel: &Kernel,
    claims: &[ClaimResult],
    held: &dyn Fn(usize, Value) -> bool,
    path: &dyn Fn(usize) -> Option<String>,
) -> Result<(), CheckError> {
    let fault = |reason: String| CheckError::Kernel {
        kernel: kernel.name.clone(),
        reason,
    };
    let writes = kernel
        .accesses()
        .into_iter()
        .filter(|(_, role)| *role != Role::Read);
    if claims.is_empty() || writes.count() != claims.len() {
        return Err(fault(
            "does not have the results that it is claimed to".to_owned(),
        ));
    }
    for (access, role) in kernel.accesses() {
        for part in access.parts() {
            let role = if std::ptr::eq(part, access) {
                role
            } else {
                Role::Read
            };
            let own = kernel
                .arguments
                .get(part.argument)
                .map(|argument| argument.role);
            if own != Some(role) {
                return Err(fault(
                    "has an argument in another role than it says".to_owned(),
                ));
            }
        }
    }
    let look = Look {
        checker,
        graph,
        kernel,
        claims,
        memory: Memory { held, path },
    };
    for (number, binding) in checker.bindings.iter().enumerate() {
        let result = look.under(binding, number as u64);
        result
            .map_err(|error| fault(error.to_string()))?
            .map_err(fault)?;
    }
    Ok(())
}

struct Look<'a> {
    checker: &'a Checker<'a>,
    graph: &'a Graph,
    kernel: &'a Kernel,
    claims: &'a [ClaimResult],
    memory: Memory<'a>,
}

type Verdict = Result<Result<(), String>, DimError>;

fn no(reason: &str) -> Verdict {
    Ok(Err(reason.to_owned()))
}

/// The value in whose memory a kernel's result lies, and the part of it that the kernel writes.
struct Region {
    container: Value,
    start: Vec<i64>,
    extents: Vec<i64>,
    /// What is computed; `None` for padding.
    value: Option<Value>,
}

/// A result of a body and where it goes.
struct Stored<'k> {
    site: Site<'k>,
    write: &'k Access,
    extents: Vec<i64>,
    output: Option<ScalarId>,
}

impl<'k> Stored<'k> {
    /// All results of a body, over a space of these extents.
    fn all(site: &Site<'k>, writes: &'k [Access], extents: &[i64]) -> Vec<Stored<'k>> {
        let stored = writes.iter().enumerate().map(|(number, write)| Stored {
            site: site.clone(),
            write,
            extents: extents.to_vec(),
            output: site.body.outputs.get(number).copied(),
        });
        stored.collect()
    }
}

impl Look<'_> {
    fn under(&self, binding: &Binding, seed: u64) -> Verdict {
        let space = binding.values(&self.kernel.space())?;
        if space.iter().any(|&extent| extent < 0) {
            return no("has a negative extent");
        }
        for (access, _) in self.kernel.accesses() {
            if let Some(reason) = self.out_of_bounds(access, &space, binding)? {
                return Ok(Err(reason));
            }
        }
        let mut matching =
            Matching::new(self.checker, self.graph, self.kernel, binding, self.memory);
        if let Work::Scatter(scatter) = &self.kernel.work {
            return self.scatter(scatter, &mut matching, &space, seed);
        }
        let mut stored: Vec<Stored<'_>> = Vec::new();
        match &self.kernel.work {
            Work::Map(map) => {
                let sources = map.reads.iter().map(Source::Read).collect();
                let site = Site::new(0, &map.body, sources);
                stored.extend(Stored::all(&site, &map.writes, &space));
            }
            Work::Contraction(c) => {
                let sources = std::iter::once(Source::Sum);
                let sources = sources.chain(c.reads.iter().map(Source::Read)).collect();
                let rank = space.len() - c.contracted.len();
                let own = space[..rank].to_vec();
                let site = Site::new(0, &c.epilogue, sources);
                stored.extend(Stored::all(&site, std::slice::from_ref(&c.write), &own));
            }
            Work::Reduce(reduce) => {
                let stages = || (0..reduce.stages.len()).map(Source::Stage);
                if let Some(row) = &reduce.row {
                    let sources = stages().chain(row.reads.iter().map(Source::Read)).collect();
                    let site = Site::new(0, &row.body, sources);
                    let own = space[..reduce.outer.len()].to_vec();
                    stored.extend(Stored::all(&site, &row.writes, &own));
                }
                if let Some(element) = &reduce.element {
                    let reads = reduce.reads.iter().map(Source::Read);
                    let site = Site::new(0, &element.body, reads.chain(stages()).collect());
                    stored.extend(Stored::all(&site, &element.writes, &space));
                }
            }
            Work::Scatter(_) => {}
        }
        for (stored, claim) in stored.iter().zip(self.claims) {
            let Some(region) = self.region(*claim, binding)? else {
                return no("is claimed to write what no kernel writes");
            };
            let verdict = self.result(&mut matching, stored, &region, binding, seed)?;
            if verdict.is_err() {
                return Ok(verdict);
            }
        }
        Ok(Ok(()))
    }

    /// Whether the write covers the region exactly, and each place gets what belongs there.
    fn result(
        &self,
        matching: &mut Matching<'_>,
        stored: &Stored<'_>,
        region: &Region,
        binding: &Binding,
        seed: u64,
    ) -> Verdict {
        let Stored {
            site,
            write,
            extents,
            output,
        } = stored;
        let Some(output) = *output else {
            return no("has a body without a result");
        };
        let count: i64 = extents.iter().product();
        if count != region.extents.iter().product::<i64>() {
            return no("does not write as many places as the value has");
        }
        let strides = binding.values(&write.strides)?;
        if !is_injective(&strides, extents) {
            return no("writes a place twice");
        }
        let offset = binding.value(&write.offset)?;
        let container = binding.values(&self.graph.type_of(region.container).shape)?;
        for position in positions(extents, seed) {
            let steps = position.iter().zip(&strides).map(|(p, s)| p * s);
            let index = unflat(offset + steps.sum::<i64>(), &container);
            let within: Vec<i64> = index
                .iter()
                .zip(&region.start)
                .map(|(i, s)| i - s)
                .collect();
            let mut pairs = within.iter().zip(&region.extents);
            if pairs.any(|(place, extent)| place < &0 || place >= extent) {
                return no("writes outside the part that it is claimed to write");
            }
            let Some(value) = region.value else {
                let literal = matching.is_padding(site, output, region.container);
                return if literal {
                    Ok(Ok(()))
                } else {
                    no("fills with another number")
                };
            };
            let site = site.at(position.clone());
            matching.begin();
            if !matching.same(&site, output, value, &within, 0)? {
                let graph = self.graph.node(value.node).op.text_name();
                return Ok(Err(format!(
                    "does not compute `{graph}` (node {}) at {within:?}",
                    value.node.index()
                )));
            }
        }
        Ok(Ok(()))
    }

    fn region(&self, claim: ClaimResult, binding: &Binding) -> Result<Option<Region>, DimError> {
        let whole = |value: Value| -> Result<(Vec<i64>, Vec<i64>), DimError> {
            let extents = binding.values(&self.graph.type_of(value).shape)?;
            Ok((vec![0; extents.len()], extents))
        };
        Ok(Some(match claim {
            ClaimResult::Value(value) => {
                let (start, extents) = whole(value)?;
                let (container, value) = (value, Some(value));
                Region {
                    container,
                    start,
                    extents,
                    value,
                }
            }
            ClaimResult::Fill(node) => {
                let container = Value { node, result: 0 };
                let (start, extents) = whole(container)?;
                Region {
                    container,
                    start,
                    extents,
                    value: None,
                }
            }
            ClaimResult::Part(node, number) => {
                let container = Value { node, result: 0 };
                let operands = self.graph.operands(node);
                let Some(&value) = operands.get(number) else {
                    return Ok(None);
                };
                let (mut start, extents) = whole(value)?;
                match &self.graph.node(node).op {
                    Op::Concat { axis } => {
                        for before in &operands[..number] {
                            let shape = &self.graph.type_of(*before).shape;
                            start[*axis] += binding.value(&shape[*axis])?;
                        }
                    }
                    Op::Pad { low, .. } => start = binding.values(low)?,
                    Op::Scatter { .. } if number == 0 => {}
                    _ => return Ok(None),
                }
                let value = Some(value);
                Region {
                    container,
                    start,
                    extents,
                    value,
                }
            }
            ClaimResult::Update(_) => return Ok(None),
        }))
    }

    fn scatter(
        &self,
        scatter: &Scatter,
        matching: &mut Matching<'_>,
        space: &[i64],
        seed: u64,
    ) -> Verdict {
        let &[ClaimResult::Update(node)] = self.claims else {
            return no("is claimed to write what a scatter does not");
        };
        let Op::Scatter { axis, combine } = &self.graph.node(node).op else {
            return no("is claimed to be a scatter that the graph has not");
        };
        let operands = self.graph.operands(node);
        let binding = matching.binding;
        let updates = binding.values(&self.graph.type_of(operands[2]).shape)?;
        let base = binding.values(&self.graph.type_of(operands[0]).shape)?;
        let rank = self.graph.type_of(operands[1]).rank();
        let count: i64 = space.iter().product();
        let Some(indirect) = &scatter.target.indirect else {
            return no("scatters without an index");
        };
        if combine != &scatter.combine || count != updates.iter().product::<i64>() {
            return no("combines otherwise");
        }
        for position in positions(space, seed) {
            // Row-major order of the updates is the order in which they are combined.
            let index = unflat(super::place::flat(&position, space), &updates);
            matching.begin();
            if !matching.leaf(&scatter.update, &position, operands[2], &index)? {
                return no("scatters other updates");
            }
            let own = &index[*axis..axis + rank];
            if !matching.leaf(&indirect.index, &position, operands[1], own)? {
                return no("scatters at other indices");
            }
            let mut target = index[..*axis].to_vec();
            target.push(0);
            target.extend_from_slice(&index[axis + rank..]);
            let place = super::place::flat(&target, &base);
            let found = matching.direct(&scatter.target, &position)?;
            let stride: i64 = base[axis + 1..].iter().product();
            let extent = binding.value(&indirect.extent)?;
            if place != found || binding.value(&indirect.stride)? != stride || extent != base[*axis]
            {
                return no("scatters to other places");
            }
        }
        Ok(Ok(()))
    }

    /// Whether an access leaves its argument.
    fn out_of_bounds(
        &self,
        access: &Access,
        space: &[i64],
        binding: &Binding,
    ) -> Result<Option<String>, DimError> {
        if space.contains(&0)
            || matches!(&self.kernel.work, Work::Contraction(c) if std::ptr::eq(access, &c.right) && c.right_layout != eyas_kernels::RightLayout::Strided)
        {
            return Ok(None);
        }
        let axes = self.axes(access, space);
        for part in access.parts() {
            if part.strides.len() != axes.len() {
                return Ok(Some("has an access with another number of axes".to_owned()));
            }
            let (mut low, mut high) = (binding.value(&part.offset)?, binding.value(&part.offset)?);
            for (stride, extent) in part.strides.iter().zip(&axes) {
                let reach = binding.value(stride)? * (extent - 1);
                low += reach.min(0);
                high += reach.max(0);
            }
            if let Some(indirect) = &part.indirect {
                let reach =
                    binding.value(&indirect.stride)? * (binding.value(&indirect.extent)? - 1);
                low += reach.min(0);
                high += reach.max(0);
            }
            let length = self.kernel.arguments.get(part.argument).map(|a| &a.length);
            let length = match length {
                Some(length) => binding.value(length)?,
                None => return Ok(Some("has an access to no argument".to_owned())),
            };
            if low < 0 || high >= length && length > 0 {
                let argument = part.argument;
                return Ok(Some(format!(
                    "reaches {low}..={high} of argument {argument}, which has {length} elements"
                )));
            }
        }
        Ok(None)
    }

    /// The extents that an access's strides go with.
    fn axes(&self, access: &Access, space: &[i64]) -> Vec<i64> {
        match &self.kernel.work {
            Work::Contraction(c) => {
                let (batch, rest) = space.split_at(c.batch.len());
                let (rows, rest) = rest.split_at(c.rows.len());
                let (columns, contracted) = rest.split_at(c.columns.len());
                if std::ptr::eq(access, &c.left) {
                    [batch, rows, contracted].concat()
                } else if std::ptr::eq(access, &c.right) {
                    [batch, columns, contracted].concat()
                } else {
                    [batch, rows, columns].concat()
                }
            }
            Work::Reduce(reduce) => {
                let row = reduce.row.iter();
                let own = row.flat_map(|row| row.reads.iter().chain(&row.writes));
                let mut own = own.map(std::ptr::from_ref);
                match own.any(|other| std::ptr::eq(other, access)) {
                    true => space[..reduce.outer.len()].to_vec(),
                    false => space.to_vec(),
                }
            }
            Work::Map(_) | Work::Scatter(_) => space.to_vec(),
        }
    }
}

/// Whether no two positions lie at one place: from the shortest stride on, each is beyond all that
/// the ones before it reach.
fn is_injective(strides: &[i64], extents: &[i64]) -> bool {
    if extents.contains(&0) {
        return true;
    }
    let mut axes: Vec<(i64, i64)> = strides
        .iter()
        .copied()
        .zip(extents.iter().copied())
        .collect();
    axes.retain(|(_, extent)| *extent > 1);
    axes.sort_unstable();
    let mut reach = 0;
    axes.iter().all(|(stride, extent)| {
        let beyond = *stride > reach;
        reach += stride * (extent - 1);
        beyond
    })
}

/// Some corners of a space, and some positions between.
pub(super) fn positions(extents: &[i64], seed: u64) -> Vec<Vec<i64>> {
    if extents.contains(&0) {
        return Vec::new();
    }
    let mut draw = Draw::new(seed ^ 0x5eed);
    let mut found = vec![vec![0; extents.len()]];
    found.push(extents.iter().map(|extent| extent - 1).collect());
    for _ in 2..CORNERS.min(1 << extents.len().min(8)) {
        let corner = extents.iter().map(|extent| (extent - 1) * draw.below(2));
        found.push(corner.collect());
    }
    for _ in 0..SAMPLES {
        found.push(extents.iter().map(|&extent| draw.below(extent)).collect());
    }
    found.sort_unstable();
    found.dedup();
    found
}
