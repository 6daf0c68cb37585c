use eyas_ir::{Body, Origin};
use eyas_tensor::{DType, Dim};
use serde::{Deserialize, Serialize};

use crate::{Access, Contraction, Map, Reduce, Scatter};

/// One piece of work with a name: a function of its arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kernel {
    /// `label.op`, with a number where that alone is not unique.
    pub name: String,
    /// What it is called with, in order.
    pub arguments: Vec<Argument>,
    /// What it does.
    pub work: Work,
    /// Where in the source it comes from.
    pub origin: Origin,
}

/// A piece of memory that a kernel is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    /// The element type.
    pub dtype: DType,
    /// What is done to it.
    pub role: Role,
    /// How many elements.
    pub length: Dim,
}

/// What a kernel does to an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Role {
    Read,
    Write,
    /// Read and written in place.
    Update,
}

/// The families. Gathers, random numbers and copies are maps: a gather reads through an index,
/// a random number is a body over the place, a copy is the body that does nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Work {
    Map(Map),
    Reduce(Reduce),
    Contraction(Contraction),
    Scatter(Scatter),
}

impl Kernel {
    /// The iteration space, outermost axis first; reductions and contractions end with the axes
    /// that are summed over.
    pub fn space(&self) -> Vec<Dim> {
        match &self.work {
            Work::Map(map) => map.extents.clone(),
            Work::Reduce(reduce) => [&reduce.outer[..], &reduce.inner].concat(),
            Work::Contraction(contraction) => contraction.space(),
            Work::Scatter(scatter) => scatter.extents.clone(),
        }
    }

    /// Extent of the axis that may be split between threads; `1` where the work is sequential.
    pub fn parallel_extent(&self) -> Dim {
        let axes = match &self.work {
            Work::Map(map) => map.extents.first(),
            Work::Reduce(reduce) => reduce.outer.first(),
            Work::Contraction(contraction) => return contraction.parallel_extent(),
            Work::Scatter(_) => None,
        };
        axes.cloned().unwrap_or(Dim::from(1))
    }

    /// Every access with the role it has.
    pub fn accesses(&self) -> Vec<(&Access, Role)> {
        let read = |access| (access, Role::Read);
        let write = |access| (access, Role::Write);
        match &self.work {
            Work::Map(map) => {
                let writes = map.writes.iter().map(write);
                map.reads.iter().map(read).chain(writes).collect()
            }
            Work::Reduce(reduce) => reduce.accesses(),
            Work::Contraction(c) => {
                let reads = [&c.left, &c.right].into_iter().chain(&c.reads).map(read);
                reads.chain([(&c.write, Role::Write)]).collect()
            }
            Work::Scatter(s) => vec![(&s.update, Role::Read), (&s.target, Role::Update)],
        }
    }

    /// Every body.
    pub fn bodies(&self) -> Vec<&Body> {
        match &self.work {
            Work::Map(map) => vec![&map.body],
            Work::Reduce(reduce) => reduce.bodies(),
            Work::Contraction(contraction) => vec![&contraction.epilogue],
            Work::Scatter(_) => Vec::new(),
        }
    }

    /// The same work with every body made anew.
    #[must_use]
    pub fn map_bodies(&self, map: impl Fn(&Body) -> Body) -> Kernel {
        let mut kernel = self.clone();
        let bodies: Vec<&mut Body> = match &mut kernel.work {
            Work::Map(map) => vec![&mut map.body],
            Work::Reduce(reduce) => reduce.bodies_mut(),
            Work::Contraction(contraction) => vec![&mut contraction.epilogue],
            Work::Scatter(_) => Vec::new(),
        };
        for body in bodies {
            *body = map(body);
        }
        kernel
    }
}
