use std::cell::RefCell;

use eyas_ir::{ScalarId, ScalarOp};
use eyas_kernels::Access;
use eyas_tensor::DType;

use crate::body;
use crate::builder::{Control, Predicate, Register};
use crate::cursor::{Cursor, cursors_at};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::memory::{Spot, size_of};
use crate::place::Place;
use crate::reduce::Reducing;
use crate::reduce::team::Team;
use crate::value::Value;

/// What is known of the nodes of the bodies.
pub(crate) type Values = Vec<Option<Value>>;

/// A row as one of its threads sees it.
#[derive(Clone)]
pub(crate) struct Row<'a> {
    pub(crate) reducing: &'a Reducing,
    pub(crate) team: &'a Team<'a>,
    /// Whether vectors may be moved; `None` where there are none, or nothing is in their way.
    pub(crate) fits: Option<Register<Predicate>>,
    reads: Vec<Cursor>,
    /// What is the same all along the row.
    pub(crate) shared: Values,
}

/// An element of the row.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    base: Place,
    further: u64,
    pub(crate) inside: Option<Register<Predicate>>,
    own: Values,
}

impl Element {
    /// Its place in the row.
    pub(crate) fn place(&self, e: &mut Emitter) -> Place {
        e.advance(self.base, self.further)
    }
}

impl<'a> Row<'a> {
    pub(crate) fn new(
        e: &mut Emitter,
        reducing: &'a Reducing,
        team: &'a Team<'a>,
    ) -> Result<Row<'a>, Fault> {
        let fits = reducing.fits(e, team.choice.vector)?;
        Ok(Row {
            reducing,
            team,
            fits,
            reads: cursors_at(e, &reducing.reads, &team.places)?,
            shared: vec![None; reducing.phases.body.nodes.len()],
        })
    }

    /// Computes of what leads to `wanted` all that is the same along the row.
    pub(crate) fn prepare(&mut self, e: &mut Emitter, wanted: &[ScalarId]) -> Result<(), Fault> {
        let phases = &self.reducing.phases;
        for id in phases.towards(wanted, |id| self.shared[id.0 as usize].is_some()) {
            if phases.varies(id) {
                continue;
            }
            let node = phases.body.node(id);
            let value = match node.op {
                ScalarOp::Input(input) => self.uniform(e, input as usize)?,
                ScalarOp::Index(axis) => {
                    let place = self.team.places.get(axis as usize).copied();
                    Value::S64(e.signed(place.unwrap_or(Place::Constant(0))))
                }
                _ => body::node(e, &phases.body, node, |id| self.at(id, None))?,
            };
            self.shared[id.0 as usize] = Some(value);
        }
        Ok(())
    }

    /// A read that is the same along the row; of a row without places nothing is read.
    fn uniform(&self, e: &mut Emitter, input: usize) -> Result<Value, Fault> {
        let access = self.reducing.reads.get(input).ok_or_else(body::missing)?;
        let spot = self.reads[input].spot(e, access)?;
        let length = &self.reducing.length;
        let any = self.reducing.may_be_empty();
        let any = any.then(|| e.is_below(Place::Constant(0), length));
        let spot = within(e, spot, any);
        e.load_element(e.dtype(access.argument), spot, 0)
    }

    fn at(&self, id: ScalarId, own: Option<&Values>) -> Result<Value, Fault> {
        let place = id.0 as usize;
        let own = own.and_then(|own| own[place]);
        own.or(self.shared[place]).ok_or_else(body::missing)
    }

    /// The value of a node for an element, once it is computed.
    pub(crate) fn value(&self, id: ScalarId, element: &Element) -> Result<Value, Fault> {
        self.at(id, Some(&element.own))
    }

    /// Elements side by side of which nothing is known but where they are.
    pub(crate) fn turn(
        &self,
        base: Place,
        further: u64,
        count: i64,
        inside: Option<Register<Predicate>>,
    ) -> impl Iterator<Item = Element> {
        let nodes = self.shared.len();
        (0..count as u64).map(move |number| Element {
            base,
            further: further + number,
            inside,
            own: vec![None; nodes],
        })
    }

    /// The inputs on the way to `wanted` that were not read yet.
    pub(crate) fn unread(
        &self,
        wanted: &[ScalarId],
        element: &Element,
    ) -> impl Iterator<Item = (ScalarId, usize)> {
        let phases = &self.reducing.phases;
        let nodes = phases.towards(wanted, |id| self.at(id, Some(&element.own)).is_ok());
        nodes
            .into_iter()
            .filter_map(|id| match phases.body.node(id).op {
                ScalarOp::Input(input) => Some((id, input as usize)),
                _ => None,
            })
    }

    /// Reads what leads to `wanted` and was not read yet, `count` of the elements side by side.
    pub(crate) fn load(
        &self,
        e: &mut Emitter,
        elements: &mut [Element],
        wanted: &[ScalarId],
        count: i64,
    ) -> Result<(), Fault> {
        let Some(first) = elements.first().cloned() else {
            return Ok(());
        };
        let mut vectors: Vec<(ScalarId, DType, Vec<Spot>)> = Vec::new();
        let unread: Vec<(ScalarId, usize)> = self.unread(wanted, &first).collect();
        for (id, input) in unread {
            let access = self.reducing.reads.get(input).ok_or_else(body::missing)?;
            let dtype = e.dtype(access.argument);
            let cursor = self.base(e, access, self.reads[input], &first)?;
            let mut spots = Vec::new();
            if count > 1 && self.reducing.is_vector(access, count) {
                for turn in elements.chunks(count as usize) {
                    spots.push(self.spot(e, access, cursor, &turn[0])?);
                }
                vectors.push((id, dtype, spots));
                continue;
            }
            for element in &mut *elements {
                let spot = self.spot(e, access, cursor, element)?;
                element.own[id.0 as usize] = Some(e.load_element(dtype, spot, 0)?);
            }
        }
        for ((id, ..), values) in
            vectors
                .iter()
                .zip(self.load_vectors(e, &vectors, count as usize)?)
        {
            for (element, value) in elements.iter_mut().zip(values) {
                element.own[id.0 as usize] = Some(value);
            }
        }
        Ok(())
    }

    /// Vectors where they may be loaded, else one element after the other into the same registers.
    fn load_vectors(
        &self,
        e: &mut Emitter,
        vectors: &[(ScalarId, DType, Vec<Spot>)],
        count: usize,
    ) -> Result<Vec<Vec<Value>>, Fault> {
        let all = |e: &mut Emitter| -> Result<Vec<Vec<Value>>, Fault> {
            let mut loaded = Vec::with_capacity(vectors.len());
            for (_, dtype, spots) in vectors {
                let mut values = Vec::with_capacity(spots.len() * count);
                for spot in spots {
                    values.extend(e.load_elements(*dtype, *spot, count)?);
                }
                loaded.push(values);
            }
            Ok(loaded)
        };
        let Some(fits) = self.fits.filter(|_| !vectors.is_empty()) else {
            return all(e);
        };
        let loaded = RefCell::new(Vec::new());
        e.when_else(
            fits,
            |e| {
                loaded.replace(all(e)?);
                Ok::<(), Fault>(())
            },
            |e| {
                for ((_, dtype, spots), values) in vectors.iter().zip(loaded.borrow().iter()) {
                    for (place, value) in values.iter().enumerate() {
                        let offset = (place % count) as i32 * size_of(*dtype) as i32;
                        let one = e.load_element(*dtype, spots[place / count], offset)?;
                        value.settle(e, one)?;
                    }
                }
                Ok(())
            },
        )?;
        Ok(loaded.into_inner())
    }

    /// Computes what leads to `wanted` for an element whose reads are there.
    pub(crate) fn compute(
        &self,
        e: &mut Emitter,
        element: &mut Element,
        wanted: &[ScalarId],
    ) -> Result<(), Fault> {
        let phases = &self.reducing.phases;
        let known = |id: ScalarId| self.at(id, Some(&element.own)).is_ok();
        for id in phases.towards(wanted, known) {
            let node = phases.body.node(id);
            let value = match node.op {
                ScalarOp::Index(axis) => {
                    let places = self.inner_places(e, element)?;
                    let axis = axis as usize - self.reducing.outer.len();
                    let place = places.get(axis).copied().ok_or_else(body::missing)?;
                    Value::S64(e.signed(place))
                }
                _ => body::node(e, &phases.body, node, |id| self.at(id, Some(&element.own)))?,
            };
            element.own[id.0 as usize] = Some(value);
        }
        Ok(())
    }

    /// Stores what is computed where the writes say, `count` of the elements side by side.
    pub(crate) fn store(
        &self,
        e: &mut Emitter,
        elements: &[Element],
        count: i64,
        cursors: &[Cursor],
    ) -> Result<(), Fault> {
        let Some(first) = elements.first() else {
            return Ok(());
        };
        let results = self
            .reducing
            .writes
            .iter()
            .zip(&self.reducing.phases.element);
        let mut vectors: Vec<(DType, Spot, Vec<Value>)> = Vec::new();
        for ((access, id), cursor) in results.zip(cursors) {
            let dtype = e.dtype(access.argument);
            let cursor = self.base(e, access, *cursor, first)?;
            if count > 1 && self.reducing.is_vector(access, count) {
                for turn in elements.chunks(count as usize) {
                    let spot = self.spot(e, access, cursor, &turn[0])?;
                    let values = turn.iter().map(|element| self.value(*id, element));
                    vectors.push((dtype, spot, values.collect::<Result<_, _>>()?));
                }
                continue;
            }
            for element in elements {
                let spot = self.spot(e, access, cursor, element)?;
                e.store_element(dtype, spot, 0, self.value(*id, element)?)?;
            }
        }
        let all = |e: &mut Emitter| {
            let mut vectors = vectors.iter();
            vectors.try_for_each(|(dtype, spot, values)| e.store_elements(*dtype, *spot, values))
        };
        let Some(fits) = self.fits.filter(|_| !vectors.is_empty()) else {
            return all(e);
        };
        e.when_else(fits, all, |e| {
            for (dtype, spot, values) in &vectors {
                for (place, value) in values.iter().enumerate() {
                    let offset = place as i32 * size_of(*dtype) as i32;
                    e.store_element(*dtype, *spot, offset, *value)?;
                }
            }
            Ok(())
        })
    }

    /// An access that is at the row, at the place from which the elements are counted.
    fn base(
        &self,
        e: &mut Emitter,
        access: &Access,
        cursor: Cursor,
        element: &Element,
    ) -> Result<Cursor, Fault> {
        match self.reducing.inner.len() {
            1 => cursor.advance(e, access, self.reducing.outer.len(), element.base),
            _ => Ok(cursor),
        }
    }

    /// Where the element of an access that is at [`Row::base`] lies.
    fn spot(
        &self,
        e: &mut Emitter,
        access: &Access,
        mut cursor: Cursor,
        element: &Element,
    ) -> Result<Spot, Fault> {
        let first = self.reducing.outer.len();
        if self.reducing.inner.len() == 1 {
            cursor = cursor.advance(e, access, first, Place::Constant(element.further))?;
        } else {
            for (axis, place) in (first..).zip(self.inner_places(e, element)?) {
                cursor = cursor.advance(e, access, axis, place)?;
            }
        }
        let spot = cursor.spot(e, access)?;
        Ok(within(e, spot, element.inside))
    }

    fn inner_places(&self, e: &mut Emitter, element: &Element) -> Result<Vec<Place>, Fault> {
        let place = element.place(e);
        e.places(place, &self.reducing.inner)
    }
}

/// The spot, touched only where the condition holds too.
fn within(e: &mut Emitter, spot: Spot, condition: Option<Register<Predicate>>) -> Spot {
    let inside = match (spot.inside, condition) {
        (Some(inside), Some(condition)) => Some(e.and(inside, condition)),
        (inside, condition) => inside.or(condition),
    };
    Spot { inside, ..spot }
}
