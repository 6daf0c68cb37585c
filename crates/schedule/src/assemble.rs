use std::collections::BTreeMap;

use eyas_ir::{Body, BodyBuilder, Origin, ScalarId, ScalarOp};
use eyas_kernels::{
    Access, Contraction, ElementFinish, Indirect, Kernel, Map, Reduce, RightLayout, Role,
    RowFinish, Stage, Work,
};
use eyas_tensor::{DType, Dim};

use crate::ScheduleError;
use crate::arguments::{Arguments, Home};
use crate::contraction::Sums;
use crate::emit::{Emitter, Frame, Leaf, Read};
use crate::index::Index;
use crate::reduce::Rows;

/// Where a kernel's result goes: the argument, and the place in it of the first element and of
/// those after it along each axis.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) argument: usize,
    pub(crate) offset: Dim,
    pub(crate) strides: Vec<Dim>,
}

/// How a contraction takes its operands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sides {
    /// The first operand stands right.
    pub(crate) swapped: bool,
    /// The right operand lies here, in panels of so many columns.
    pub(crate) panels: Option<(Home, usize)>,
}

/// The kernel's work, once all of it is emitted.
pub(crate) fn assemble(
    emitter: &Emitter<'_>,
    result: ScalarId,
    target: &Target,
    sides: &Sides,
    arguments: &mut Arguments<'_>,
) -> Result<Work, ScheduleError> {
    let mut assembly = Assembly {
        emitter,
        arguments,
        target,
    };
    match &emitter.frame {
        Frame::Open => assembly.map(result),
        Frame::Rows(rows) => assembly.reduce(rows, result),
        Frame::Sums(sums) => assembly.contraction(sums, result, sides),
    }
}

/// The work over as few axes as it can be done over.
pub(crate) fn coalesced(work: Work) -> Work {
    let kernel = Kernel {
        name: String::new(),
        arguments: Vec::new(),
        work,
        origin: Origin::default(),
    };
    kernel.coalesced().work
}

struct Assembly<'a, 'e, 'h> {
    emitter: &'a Emitter<'e>,
    arguments: &'a mut Arguments<'h>,
    target: &'a Target,
}

impl Assembly<'_, '_, '_> {
    fn extents(&self, axes: &[usize]) -> Vec<Dim> {
        let extent = |&axis: &usize| self.emitter.space[axis].clone();
        axes.iter().map(extent).collect()
    }

    fn map(&mut self, result: ScalarId) -> Result<Work, ScheduleError> {
        let axes = self.emitter.start_axes();
        let body = self.extract(&[result]);
        let reads = used_reads(&body, &self.emitter.leaves);
        let inputs = self.inputs(&reads, &[], 0);
        let body = rebuild(&body, &inputs, &axes)?;
        Ok(Work::Map(Map {
            extents: self.extents(&axes),
            reads: self.accesses(&reads, &axes)?,
            body,
            writes: vec![self.write(&axes)],
        }))
    }

    fn reduce(&mut self, rows: &Rows, result: ScalarId) -> Result<Work, ScheduleError> {
        let axes = [&rows.outer[..], &rows.inner].concat();
        let bodies: Vec<Body> = rows
            .stages
            .iter()
            .map(|s| self.extract(&[s.body]))
            .collect();
        let last = self.extract(&[result]);
        let mut reads: Vec<usize> = Vec::new();
        let shared = bodies.iter().chain((!rows.start_is_row).then_some(&last));
        for body in shared {
            reads.extend(used_reads(body, &self.emitter.leaves));
        }
        reads.sort_unstable();
        reads.dedup();
        let results: Vec<DType> = rows
            .stages
            .iter()
            .map(|s| stage_result(s.fold, s.accumulator))
            .collect();
        let mut stages = Vec::with_capacity(bodies.len());
        for (number, (body, draft)) in bodies.iter().zip(&rows.stages).enumerate() {
            let inputs = self.inputs(&reads, &results[..number], reads.len());
            stages.push(Stage {
                body: rebuild(body, &inputs, &axes)?,
                fold: draft.fold,
                accumulator: draft.accumulator,
            });
        }
        let (mut row, mut element) = (None, None);
        if rows.start_is_row {
            let own = used_reads(&last, &self.emitter.leaves);
            let inputs = self.row_inputs(&own, &results);
            row = Some(RowFinish {
                reads: self.accesses(&own, &rows.outer)?,
                body: rebuild(&last, &inputs, &rows.outer)?,
                writes: vec![self.write(&rows.outer)],
            });
        } else {
            let inputs = self.inputs(&reads, &results, reads.len());
            element = Some(ElementFinish {
                body: rebuild(&last, &inputs, &axes)?,
                writes: vec![self.write(&axes)],
            });
        }
        Ok(Work::Reduce(Reduce {
            outer: self.extents(&rows.outer),
            inner: self.extents(&rows.inner),
            reads: self.accesses(&reads, &axes)?,
            stages,
            row,
            element,
        }))
    }

    fn contraction(
        &mut self,
        sums: &Sums,
        result: ScalarId,
        sides: &Sides,
    ) -> Result<Work, ScheduleError> {
        let (mut left, mut right) = (&sums.left, &sums.right);
        let (mut rows, mut columns) = (&sums.rows, &sums.columns);
        if sides.swapped {
            (left, right, rows, columns) = (right, left, columns, rows);
        }
        let (batch, contracted) = (&sums.batch, &sums.contracted);
        let left_axes = [&batch[..], rows, contracted].concat();
        let right_axes = [&batch[..], columns, contracted].concat();
        let result_axes = [&batch[..], rows, columns].concat();
        let left = self.access(left, &left_axes)?;
        let (right, right_layout) = match &sides.panels {
            None => (self.access(right, &right_axes)?, RightLayout::Strided),
            Some((home, width)) => {
                let packed = Access {
                    argument: self.arguments.add(home, Role::Read),
                    offset: Dim::from(0),
                    strides: vec![Dim::from(0); right_axes.len()],
                    indirect: None,
                };
                (packed, RightLayout::Panels(*width))
            }
        };
        let body = self.extract(&[result]);
        let reads = used_reads(&body, &self.emitter.leaves);
        let mut inputs = Inputs {
            types: vec![sums.accumulator],
            places: BTreeMap::new(),
        };
        for (number, leaf) in self.emitter.leaves.iter().enumerate() {
            if *leaf == Leaf::Sum {
                inputs.places.insert(number, 0);
            }
        }
        for &read in &reads {
            inputs.places.insert(read, inputs.types.len());
            inputs.types.push(self.leaf_type(read));
        }
        Ok(Work::Contraction(Contraction {
            batch: self.extents(batch),
            rows: self.extents(rows),
            columns: self.extents(columns),
            contracted: self.extents(contracted),
            left,
            right,
            right_layout,
            accumulator: sums.accumulator,
            epilogue: rebuild(&body, &inputs, &result_axes)?,
            reads: self.accesses(&reads, &result_axes)?,
            write: self.write(&result_axes),
        }))
    }

    fn extract(&self, outputs: &[ScalarId]) -> Body {
        self.emitter.builder.clone().finish(outputs)
    }

    fn leaf_type(&self, leaf: usize) -> DType {
        match &self.emitter.leaves[leaf] {
            Leaf::Read(read) => self.emitter.dtype(read.value),
            Leaf::Stage(_) | Leaf::Sum => DType::F32,
        }
    }

    /// The reads, then the results of stages from `base` on.
    fn inputs(&self, reads: &[usize], stages: &[DType], base: usize) -> Inputs {
        let mut inputs = Inputs {
            types: reads.iter().map(|&leaf| self.leaf_type(leaf)).collect(),
            places: reads.iter().copied().zip(0..).collect(),
        };
        inputs.types.extend_from_slice(stages);
        self.place_stages(&mut inputs, stages.len(), base);
        inputs
    }

    /// The results of the stages, then the reads.
    fn row_inputs(&self, reads: &[usize], stages: &[DType]) -> Inputs {
        let mut inputs = Inputs {
            types: stages.to_vec(),
            places: reads.iter().copied().zip(stages.len()..).collect(),
        };
        inputs
            .types
            .extend(reads.iter().map(|&leaf| self.leaf_type(leaf)));
        self.place_stages(&mut inputs, stages.len(), 0);
        inputs
    }

    fn place_stages(&self, inputs: &mut Inputs, count: usize, base: usize) {
        for (number, leaf) in self.emitter.leaves.iter().enumerate() {
            match leaf {
                Leaf::Stage(stage) if *stage < count => {
                    inputs.places.insert(number, base + stage);
                }
                _ => {}
            }
        }
    }

    fn accesses(&mut self, leaves: &[usize], axes: &[usize]) -> Result<Vec<Access>, ScheduleError> {
        let mut accesses = Vec::with_capacity(leaves.len());
        for &leaf in leaves {
            if let Leaf::Read(read) = &self.emitter.leaves[leaf] {
                accesses.push(self.access(read, axes)?);
            }
        }
        Ok(accesses)
    }

    fn access(&mut self, read: &Read, axes: &[usize]) -> Result<Access, ScheduleError> {
        let argument = self.arguments.read(read.value)?;
        let mut access = affine(&read.place, argument, axes);
        if let Some(lookup) = &read.place.lookup {
            let index = self.arguments.read(lookup.source)?;
            access.indirect = Some(Indirect {
                index: Box::new(affine(&lookup.place, index, axes)),
                stride: lookup.factor.clone(),
                extent: lookup.extent.clone(),
            });
        }
        Ok(access)
    }

    fn write(&self, axes: &[usize]) -> Access {
        let strides = &self.target.strides;
        Access {
            argument: self.target.argument,
            offset: self.target.offset.clone(),
            strides: axes.iter().map(|&axis| strides[axis].clone()).collect(),
            indirect: None,
        }
    }
}

fn affine(place: &Index, argument: usize, axes: &[usize]) -> Access {
    Access {
        argument,
        offset: place.constant.clone(),
        strides: axes.iter().map(|&axis| place.factor(axis)).collect(),
        indirect: None,
    }
}

/// What the result of a fold is.
pub(crate) fn stage_result(fold: eyas_kernels::Fold, accumulator: DType) -> DType {
    match fold {
        eyas_kernels::Fold::Value(_) => accumulator,
        eyas_kernels::Fold::Arg(_) => DType::I64,
    }
}

/// The leaves that a body reads memory through.
fn used_reads(body: &Body, leaves: &[Leaf]) -> Vec<usize> {
    let mut used: Vec<usize> = body
        .nodes
        .iter()
        .filter_map(|node| match node.op {
            ScalarOp::Input(number) => Some(number as usize),
            _ => None,
        })
        .filter(|&number| matches!(leaves.get(number), Some(Leaf::Read(_))))
        .collect();
    used.sort_unstable();
    used
}

/// The inputs of a body: their types, and which leaf is which.
struct Inputs {
    types: Vec<DType>,
    places: BTreeMap<usize, usize>,
}

/// A body over leaves as one over the inputs that it has in its kernel; `axes` in order are those
/// of the kernel's space.
fn rebuild(body: &Body, inputs: &Inputs, axes: &[usize]) -> Result<Body, ScheduleError> {
    let mut builder = BodyBuilder::new();
    let own: Vec<ScalarId> = inputs.types.iter().map(|ty| builder.input(*ty)).collect();
    let mut places: Vec<ScalarId> = Vec::with_capacity(body.nodes.len());
    for node in &body.nodes {
        let place = match &node.op {
            ScalarOp::Input(number) => {
                let input = inputs.places.get(&(*number as usize));
                let input = input.and_then(|&place| own.get(place)).copied();
                input.ok_or_else(|| ScheduleError::Internal("a body without its input".into()))?
            }
            ScalarOp::Index(axis) => match axes.iter().position(|own| own == &(*axis as usize)) {
                Some(position) => builder.push(ScalarOp::Index(position as u32), node.dtype),
                None => builder.integer(node.dtype, 0),
            },
            op => {
                let op = op.map_operands(|id| places[id.0 as usize]);
                builder.push(op, node.dtype)
            }
        };
        places.push(place);
    }
    let outputs: Vec<ScalarId> = body
        .outputs
        .iter()
        .map(|id| places[id.0 as usize])
        .collect();
    Ok(builder.finish(&outputs))
}
