//! What holds of every kernel that is well made.

use eyas_ir::{Body, ScalarOp};
use eyas_tensor::{DType, Dim, DimError, Facts};

use crate::{Access, Argument, Contraction, Kernel, Map, Reduce, RightLayout, Role, Scatter, Work};

/// How a kernel contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("kernel `{kernel}`: {cause}")]
pub struct KernelError {
    /// The kernel's name.
    pub kernel: String,
    /// What is wrong.
    pub cause: KernelCause,
}

/// What is wrong with a kernel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KernelCause {
    /// An access to an argument that is not there.
    #[error("argument {argument} of {count} is accessed")]
    Argument {
        /// The argument.
        argument: usize,
        /// How many there are.
        count: usize,
    },
    /// An access whose strides are not those of its space.
    #[error("an access to argument {argument} has {found} strides in a space of {expected} axes")]
    Rank {
        /// The argument.
        argument: usize,
        /// The space's axes.
        expected: usize,
        /// The access' strides.
        found: usize,
    },
    /// An access that the argument's role does not allow.
    #[error("argument {argument} has role {declared:?}, but is accessed as {found:?}")]
    Role {
        /// The argument.
        argument: usize,
        /// Its role.
        declared: Role,
        /// What the access does.
        found: Role,
    },
    /// An argument that is never accessed, or one to be written that is not.
    #[error("argument {argument} is not used as its role says")]
    Unused {
        /// The argument.
        argument: usize,
    },
    /// An index that is read from an argument of no integer type, or through another index.
    #[error("argument {argument} is indexed by what is no plain integer")]
    Index {
        /// The argument that is indexed.
        argument: usize,
    },
    /// A place that is outside its argument wherever the space has a place.
    #[error("places {least} to {greatest} of argument {argument}, which has {length} elements")]
    OutOfBounds {
        /// The argument.
        argument: usize,
        /// The least place, in elements.
        least: Dim,
        /// The greatest place.
        greatest: Dim,
        /// The argument's elements.
        length: Dim,
    },
    /// A body whose nodes are not in order or not of the types that they need.
    #[error("node {node} of a body has the wrong type or operands")]
    Node {
        /// The node.
        node: usize,
    },
    /// A body that does not take what it is given.
    #[error("a body takes {expected:?}, but is given {found:?}")]
    Inputs {
        /// The types of its inputs.
        expected: Vec<DType>,
        /// The types of what is read.
        found: Vec<DType>,
    },
    /// A body that does not give what is stored.
    #[error("a body gives {found:?}, but {expected:?} are stored")]
    Outputs {
        /// The types of what is written.
        expected: Vec<DType>,
        /// The types of its results.
        found: Vec<DType>,
    },
    /// A scatter whose update and target have other types.
    #[error("updates of `{update}` are scattered into `{target}`")]
    Scatter {
        /// The type of the updates.
        update: DType,
        /// The type of the target.
        target: DType,
    },
    /// Panels of no columns.
    #[error("the right operand lies in panels of no columns")]
    Panels,
    /// Dim arithmetic that fails.
    #[error(transparent)]
    Dim(#[from] DimError),
}

/// What can be said of an access' places.
enum Bounds {
    Inside,
    Unknown,
}

impl Kernel {
    /// Checks ranks, types and roles, and that no access is outside its argument as far as the
    /// facts decide it.
    ///
    /// # Errors
    /// The first [`KernelCause`] found.
    pub fn verify(&self, facts: &Facts) -> Result<(), KernelError> {
        self.check(facts).map(drop).map_err(|cause| KernelError {
            kernel: self.name.clone(),
            cause,
        })
    }

    /// Whether [`Kernel::verify`] holds and the facts prove every access to be inside its
    /// argument, indices that are read from memory aside: those are checked when they are read.
    pub fn is_proved(&self, facts: &Facts) -> bool {
        self.check(facts).is_ok_and(|proved| proved)
    }

    fn check(&self, facts: &Facts) -> Result<bool, KernelCause> {
        let mut checker = Checker {
            arguments: &self.arguments,
            facts,
            proved: true,
        };
        match &self.work {
            Work::Map(map) => checker.map(map)?,
            Work::Reduce(reduce) => checker.reduce(reduce)?,
            Work::Contraction(contraction) => checker.contraction(contraction)?,
            Work::Scatter(scatter) => checker.scatter(scatter)?,
        }
        let proved = checker.proved;
        self.check_use()?;
        Ok(proved)
    }

    fn check_use(&self) -> Result<(), KernelCause> {
        let accesses = self.accesses();
        for (argument, declared) in self.arguments.iter().enumerate() {
            let own = accesses.iter().flat_map(|(access, role)| {
                let mut parts = access.parts().enumerate();
                let found = move |(place, part): (usize, &Access)| {
                    let role = if place == 0 { *role } else { Role::Read };
                    (part.argument == argument).then_some(role)
                };
                std::iter::from_fn(move || parts.next()).filter_map(found)
            });
            let roles: Vec<Role> = own.collect();
            let written = roles.iter().any(|role| *role != Role::Read);
            if roles.is_empty() || declared.role != Role::Read && !written {
                return Err(KernelCause::Unused { argument });
            }
        }
        Ok(())
    }
}

struct Checker<'a> {
    arguments: &'a [Argument],
    facts: &'a Facts,
    proved: bool,
}

impl Checker<'_> {
    fn map(&mut self, map: &Map) -> Result<(), KernelCause> {
        let inputs = self.all(&map.reads, &map.extents, Role::Read)?;
        let outputs = self.all(&map.writes, &map.extents, Role::Write)?;
        check_body(&map.body, map.extents.len(), &inputs, Some(&outputs))
    }

    fn reduce(&mut self, reduce: &Reduce) -> Result<(), KernelCause> {
        let space = [&reduce.outer[..], &reduce.inner].concat();
        let mut inputs = self.all(&reduce.reads, &space, Role::Read)?;
        let mut results: Vec<DType> = Vec::new();
        for stage in &reduce.stages {
            check_body(&stage.body, space.len(), &inputs, None)?;
            let folded = output_types(&stage.body);
            let kind = |dtype: DType| (dtype.is_float(), dtype == DType::Bool);
            if folded.len() != 1 || kind(folded[0]) != kind(stage.accumulator) {
                return Err(KernelCause::Outputs {
                    expected: vec![stage.accumulator],
                    found: folded,
                });
            }
            let result = stage.result();
            results.push(result);
            inputs.push(result);
        }
        if let Some(row) = &reduce.row {
            let more = self.all(&row.reads, &reduce.outer, Role::Read)?;
            let outputs = self.all(&row.writes, &reduce.outer, Role::Write)?;
            let inputs = [&results[..], &more].concat();
            check_body(&row.body, reduce.outer.len(), &inputs, Some(&outputs))?;
        }
        if let Some(element) = &reduce.element {
            let outputs = self.all(&element.writes, &space, Role::Write)?;
            check_body(&element.body, space.len(), &inputs, Some(&outputs))?;
        }
        Ok(())
    }

    fn contraction(&mut self, c: &Contraction) -> Result<(), KernelCause> {
        let space = |axes: &[Dim]| [&c.batch[..], axes, &c.contracted].concat();
        self.access(&c.left, &space(&c.rows), Role::Read)?;
        match c.right_layout {
            RightLayout::Strided => self.access(&c.right, &space(&c.columns), Role::Read)?,
            RightLayout::Panels(width) => self.panels(c, width)?,
        };
        let result = [&c.batch[..], &c.rows, &c.columns].concat();
        let reads = self.all(&c.reads, &result, Role::Read)?;
        let inputs = [&[c.accumulator][..], &reads].concat();
        let output = self.access(&c.write, &result, Role::Write)?;
        check_body(&c.epilogue, result.len(), &inputs, Some(&[output]))
    }

    /// The packed operand ends with its last panel.
    fn panels(&mut self, c: &Contraction, width: usize) -> Result<DType, KernelCause> {
        let width = i64::try_from(width).map_err(|_| KernelCause::Panels)?;
        if width == 0 {
            return Err(KernelCause::Panels);
        }
        let width = Dim::from(width);
        let columns = Dim::product(&c.columns)?;
        let panels = columns.add(&width)?.sub(&Dim::from(1))?.floor_div(&width)?;
        let each = Dim::product(&c.contracted)?.mul(&width)?;
        let packed = Access {
            strides: vec![Dim::from(1)],
            ..c.right.clone()
        };
        self.access(&packed, &[panels.mul(&each)?], Role::Read)
    }

    fn scatter(&mut self, scatter: &Scatter) -> Result<(), KernelCause> {
        let update = self.access(&scatter.update, &scatter.extents, Role::Read)?;
        let target = self.access(&scatter.target, &scatter.extents, Role::Update)?;
        if update != target {
            return Err(KernelCause::Scatter { update, target });
        }
        Ok(())
    }

    /// The types of what accesses read or write.
    fn all(
        &mut self,
        accesses: &[Access],
        extents: &[Dim],
        role: Role,
    ) -> Result<Vec<DType>, KernelCause> {
        let types = accesses.iter().map(|a| self.access(a, extents, role));
        types.collect()
    }

    fn access(
        &mut self,
        access: &Access,
        extents: &[Dim],
        role: Role,
    ) -> Result<DType, KernelCause> {
        let number = access.argument;
        let argument = self.argument(number)?;
        let (dtype, length, declared) = (argument.dtype, argument.length.clone(), argument.role);
        if declared != role && declared != Role::Update {
            return Err(KernelCause::Role {
                argument: number,
                declared,
                found: role,
            });
        }
        if access.strides.len() != extents.len() {
            return Err(KernelCause::Rank {
                argument: number,
                expected: extents.len(),
                found: access.strides.len(),
            });
        }
        if let Some(indirect) = &access.indirect {
            let index = self.access(&indirect.index, extents, Role::Read)?;
            if !index.is_integer() || indirect.index.indirect.is_some() {
                return Err(KernelCause::Index { argument: number });
            }
        }
        match self.bounds(access, extents, &length)? {
            Bounds::Inside => {}
            Bounds::Unknown => self.proved = false,
        }
        Ok(dtype)
    }

    fn argument(&self, argument: usize) -> Result<&Argument, KernelCause> {
        let count = self.arguments.len();
        let found = self.arguments.get(argument);
        found.ok_or(KernelCause::Argument { argument, count })
    }

    fn bounds(
        &self,
        access: &Access,
        extents: &[Dim],
        length: &Dim,
    ) -> Result<Bounds, KernelCause> {
        if extents.iter().any(|extent| extent.is(0)) {
            return Ok(Bounds::Inside);
        }
        let (mut least, mut greatest) = (access.offset.clone(), access.offset.clone());
        let own = access.strides.iter().zip(extents);
        let indirect = access.indirect.iter().map(|i| (&i.stride, &i.extent));
        for (stride, extent) in own.chain(indirect) {
            let reach = stride.mul(&extent.sub(&Dim::from(1))?)?;
            match self.facts.range(stride) {
                (Some(low), _) if low >= 0 => greatest = greatest.add(&reach)?,
                (_, Some(high)) if high <= 0 => least = least.add(&reach)?,
                _ => return Ok(Bounds::Unknown),
            }
        }
        let room = length.sub(&greatest)?.sub(&Dim::from(1))?;
        let (low, below) = self.facts.range(&least);
        let (left, most) = self.facts.range(&room);
        if below.is_some_and(|x| x < 0) || most.is_some_and(|x| x < 0) {
            return Err(KernelCause::OutOfBounds {
                argument: access.argument,
                least,
                greatest,
                length: length.clone(),
            });
        }
        let inside = low.is_some_and(|x| x >= 0) && left.is_some_and(|x| x >= 0);
        Ok(match inside {
            true => Bounds::Inside,
            false => Bounds::Unknown,
        })
    }
}

fn output_types(body: &Body) -> Vec<DType> {
    body.outputs.iter().map(|&id| body.node(id).dtype).collect()
}

/// A body over a space of so many axes, between what is read and what is stored.
fn check_body(
    body: &Body,
    rank: usize,
    inputs: &[DType],
    outputs: Option<&[DType]>,
) -> Result<(), KernelCause> {
    if body.inputs != inputs {
        return Err(KernelCause::Inputs {
            expected: body.inputs.clone(),
            found: inputs.to_vec(),
        });
    }
    if !body.is_well_formed() {
        let node = body.nodes.len();
        return Err(KernelCause::Node { node });
    }
    for (node, scalar) in body.nodes.iter().enumerate() {
        if !is_typed(body, &scalar.op, scalar.dtype, rank) {
            return Err(KernelCause::Node { node });
        }
    }
    let found = output_types(body);
    match outputs {
        Some(expected) if expected != found => {
            let expected = expected.to_vec();
            Err(KernelCause::Outputs { expected, found })
        }
        _ => Ok(()),
    }
}

/// Whether a node of a well-formed body takes its operands and gives its type.
fn is_typed(body: &Body, op: &ScalarOp, dtype: DType, rank: usize) -> bool {
    let all = |expected: DType| {
        let mut operands = op.operands().into_iter();
        operands.all(|id| body.node(id).dtype == expected)
    };
    match op {
        ScalarOp::Input(n) => body.inputs.get(*n as usize) == Some(&dtype),
        ScalarOp::Literal(constant) => {
            constant.tensor().dtype() == dtype && constant.splat().is_some()
        }
        ScalarOp::Extent(_) => true,
        ScalarOp::Index(axis) => (*axis as usize) < rank,
        ScalarOp::Unary(function, _) => function.accepts(dtype) && all(dtype),
        ScalarOp::Binary(function, ..) => function.accepts(dtype) && all(dtype),
        ScalarOp::Compare(_, a, b) => {
            dtype == DType::Bool && body.node(*a).dtype == body.node(*b).dtype
        }
        ScalarOp::Select(condition, a, b) => {
            let types = [*a, *b].map(|id| body.node(id).dtype);
            body.node(*condition).dtype == DType::Bool && types == [dtype; 2]
        }
        ScalarOp::Cast(_) => true,
        ScalarOp::MultiplyAdd(..) => dtype != DType::Bool && all(dtype),
        ScalarOp::Bitcast(a) => body.node(*a).dtype.bits() == dtype.bits(),
        ScalarOp::ShiftLeft(..) | ScalarOp::ShiftRight(..) => dtype.is_integer() && all(dtype),
    }
}
