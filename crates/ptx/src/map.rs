use std::collections::{BTreeMap, BTreeSet};

use eyas_ir::{Body, Comparison, ScalarOp};
use eyas_kernels::{Access, Map};
use eyas_tensor::Dim;

use crate::body::{Lowering, cost};
use crate::builder::{Control, Operand, Predicate, Register, U64};
use crate::cursor::{Cursor, cursors_at, is_contiguous, is_uniform};
use crate::emitter::{Emitter, Launch};
use crate::error::Fault;
use crate::grid::{THREADS, blocks};
use crate::memory::size_of;
use crate::place::{Place, is_narrow};
use crate::transpose::Transpose;
use crate::value::Value;

/// Bytes that one instruction moves.
const VECTOR: i64 = 16;

/// Bodies with more scalars than this are computed for fewer elements at a time.
const LONG_BODY: usize = 64;

/// Bodies with at most as many scalars are computed for sixteen elements at a time.
const SHORT_BODY: usize = 8;

/// How an access goes along the innermost axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Along {
    /// Side by side, and at a whole number of vectors wherever a vector begins.
    Vector,
    /// At the same place.
    Uniform,
    /// Anything else.
    Element,
}

/// A thread an element, or a vector of elements where memory lies so; whether it does, all threads
/// find out alike.
pub(crate) fn emit(e: &mut Emitter, map: &Map) -> Result<Launch, Fault> {
    if let Some(transpose) = Transpose::find(e, map) {
        return transpose.emit(e);
    }
    let all = Dim::product(&map.extents)?;
    let vectors = Vectors::find(e, map)?;
    let cost = cost(&map.body) + (map.reads.len() + map.writes.len()) as i64;
    let each = i64::from(THREADS) * vectors.width as i64;
    let units = blocks(&all, each)?;
    let launch = Launch::new(units.clone(), THREADS, Dim::from(cost * each));
    if vectors.width == 1 {
        e.comment("an element a thread");
        e.each_place(&all, &units, |e, place| {
            elements(e, map, &vectors, 1, place)
        })?;
        return Ok(launch);
    }
    match vectors.condition(e, map)? {
        None => vectors.emit(e, map, &units)?,
        Some(fits) => e.when_else(
            fits,
            |e| vectors.emit(e, map, &units),
            |e| {
                e.comment("otherwise an element a thread");
                e.each_place(&all, &units, |e, place| {
                    elements(e, map, &vectors, 1, place)
                })
            },
        )?,
    }
    Ok(launch)
}

/// How a map goes through the innermost axis in vectors.
struct Vectors {
    /// Elements at a time; 1 where there are no vectors.
    width: usize,
    reads: Vec<Along>,
    writes: Vec<Along>,
}

impl Vectors {
    fn find(e: &Emitter, map: &Map) -> Result<Vectors, Fault> {
        let mut width = widest(e, map);
        while width > 1 {
            let vectors = Vectors::of_width(map, width);
            if vectors.writes.contains(&Along::Vector) {
                return Ok(vectors);
            }
            width /= 2;
        }
        Ok(Vectors::of_width(map, 1))
    }

    fn of_width(map: &Map, width: usize) -> Vectors {
        let along = |access: &Access| match map.extents.len().checked_sub(1) {
            None => Along::Uniform,
            Some(axis) if is_uniform(access, axis) => Along::Uniform,
            Some(axis) if width > 1 && is_contiguous(access, axis) => {
                match apart(access, axis).all(|step| may_divide(step, width)) {
                    true => Along::Vector,
                    false => Along::Element,
                }
            }
            Some(_) => Along::Element,
        };
        // A vector must not reach beyond the innermost axis; where that is the only one, what is
        // left over is done apart.
        let whole = match &map.extents[..] {
            [] => false,
            [_] => true,
            [.., inner] => may_divide(inner, width),
        };
        match whole {
            true => Vectors {
                width,
                reads: map.reads.iter().map(along).collect(),
                writes: map.writes.iter().map(along).collect(),
            },
            false => Vectors {
                width,
                reads: vec![Along::Element; map.reads.len()],
                writes: vec![Along::Element; map.writes.len()],
            },
        }
    }

    /// What must hold for vectors to be loaded and stored; `None` where nothing must.
    fn condition(&self, e: &mut Emitter, map: &Map) -> Result<Option<Register<Predicate>>, Fault> {
        let axis = map.extents.len() - 1;
        let mut multiples: BTreeMap<u64, BTreeSet<Dim>> = BTreeMap::new();
        let mut pointers: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
        let mut need = |of: i64, dim: Dim| {
            if dim.as_constant().is_none() {
                multiples.entry(of as u64 - 1).or_default().insert(dim);
            }
        };
        if axis > 0 {
            need(self.width as i64, map.extents[axis].clone());
        }
        let reads = map.reads.iter().zip(&self.reads);
        for (access, along) in reads.chain(map.writes.iter().zip(&self.writes)) {
            if *along != Along::Vector {
                continue;
            }
            let size = size_of(e.dtype(access.argument));
            let aligned = (size * self.width as i64).min(VECTOR);
            for step in apart(access, axis) {
                need(aligned, step.mul(&Dim::from(size))?);
            }
            let aligned = aligned as u64 - 1;
            pointers.entry(aligned).or_default().insert(access.argument);
        }
        e.comment("may all threads move vectors?");
        let mut rests: BTreeMap<u64, Register<U64>> = BTreeMap::new();
        let mut take = |e: &mut Emitter, mask: u64, operand: Operand<U64>| {
            let all = match rests.get(&mask) {
                Some(&all) => e.or(all, operand),
                None => e.held(operand),
            };
            rests.insert(mask, all);
        };
        for (mask, dims) in multiples {
            for dim in dims {
                let dim = e.dim(&dim);
                take(e, mask, dim);
            }
        }
        for (mask, arguments) in pointers {
            for argument in arguments {
                let pointer = e.argument(argument);
                take(e, mask, pointer.into());
            }
        }
        let mut all: Option<Register<U64>> = None;
        for (mask, rest) in rests {
            let rest = e.and(rest, mask);
            all = Some(match all {
                Some(all) => e.or(all, rest),
                None => rest,
            });
        }
        let aligned = all.map(|rest| e.compare(Comparison::Equal, rest, 0u64));
        let count = Dim::product(&map.extents)?;
        if count.as_constant().is_some() {
            return Ok(aligned);
        }
        // Places in vectors are then counted in 32 bits.
        let count = e.dim(&count);
        let narrow = e.compare(Comparison::Less, count, 1u64 << 31);
        Ok(Some(match aligned {
            Some(aligned) => e.and(aligned, narrow),
            None => narrow,
        }))
    }

    fn emit(&self, e: &mut Emitter, map: &Map, units: &Dim) -> Result<(), Fault> {
        let width = Dim::from(self.width as i64);
        let mut extents = map.extents.clone();
        if let Some(inner) = extents.last_mut() {
            *inner = inner.floor_div(&width)?;
        }
        e.comment(format!("a vector of {width} elements a thread"));
        let count = Dim::product(&extents)?;
        let narrow = is_narrow(&count) || count.as_constant().is_none();
        e.each_place_in(narrow, &count, units, |e, place| {
            elements(e, map, self, self.width, place)
        })?;
        let [all] = &map.extents[..] else {
            return Ok(());
        };
        let whole = extents[0].mul(&width)?;
        if whole == *all {
            return Ok(());
        }
        e.comment("what is left, an element a thread");
        e.each_left(&whole, all, |e, place| elements(e, map, self, 1, place))
    }
}

/// As many elements as fill vectors of the narrowest type, or of the widest where the body is long.
fn widest(e: &Emitter, map: &Map) -> usize {
    let Some(axis) = map.extents.len().checked_sub(1) else {
        return 1;
    };
    let accesses = map.reads.iter().chain(&map.writes);
    let sizes = accesses
        .filter(|access| is_contiguous(access, axis))
        .map(|access| size_of(e.dtype(access.argument)));
    let size = match map.body.nodes.len() > LONG_BODY {
        true => sizes.max(),
        false => sizes.min(),
    };
    let width = VECTOR / size.unwrap_or(VECTOR);
    // More than eight take many registers.
    let most = if map.body.nodes.len() > SHORT_BODY {
        8
    } else {
        16
    };
    width.clamp(1, most) as usize
}

/// What lies between places of an access that vectors begin at, in elements.
fn apart(access: &Access, inner: usize) -> impl Iterator<Item = &Dim> {
    let outer = access.strides[..inner].iter();
    let index = access.indirect.iter().map(|indirect| &indirect.stride);
    outer.chain([&access.offset]).chain(index)
}

/// Whether a dim is not known to be no multiple.
fn may_divide(dim: &Dim, of: usize) -> bool {
    dim.as_constant().is_none_or(|dim| dim % of as i64 == 0)
}

/// Whether a body asks for the place along an axis.
fn reads_place(body: &Body, axis: usize) -> bool {
    let mut nodes = body.nodes.iter();
    nodes.any(|node| matches!(node.op, ScalarOp::Index(asked) if asked as usize == axis))
}

/// So many elements along the innermost axis, which are one place of a space in which that axis
/// is so much shorter.
fn elements(
    e: &mut Emitter,
    map: &Map,
    vectors: &Vectors,
    width: usize,
    place: Place,
) -> Result<(), Fault> {
    let mut extents = map.extents.clone();
    if let Some(inner) = extents.last_mut() {
        *inner = inner.floor_div(&Dim::from(width as i64))?;
    }
    let mut places = e.places(place, &extents)?;
    let vector = places.pop();
    let axis = places.len();
    let asked = reads_place(&map.body, axis);
    let along = vectors.reads.iter().chain(&vectors.writes);
    let inner = match vector {
        Some(place) if width > 1 && !asked && along.clone().all(|a| *a != Along::Element) => place,
        Some(place) => e.scale(place, width as u64),
        None => Place::Constant(0),
    };
    let run = Run {
        axis,
        vector: vector.unwrap_or(Place::Constant(0)),
        has_axis: vector.is_some(),
        inner,
        width,
    };
    let mut lanes: Vec<Vec<Value>> = vec![Vec::new(); width];
    let cursors = cursors_at(e, &map.reads, &places)?;
    for ((access, cursor), along) in map.reads.iter().zip(cursors).zip(&vectors.reads) {
        let values = run.load(e, access, cursor, *along)?;
        for (lane, value) in lanes.iter_mut().zip(values) {
            lane.push(value);
        }
    }
    let uniform = |input: usize| vectors.reads[input] == Along::Uniform;
    let mut lowering = Lowering::new(&map.body, uniform, |axis| axis != run.axis);
    let mut results: Vec<Vec<Value>> = vec![Vec::new(); map.writes.len()];
    for (lane, inputs) in lanes.iter().enumerate() {
        let mut lane_places = places.clone();
        if run.has_axis {
            lane_places.push(match asked {
                true => e.advance(inner, lane as u64),
                false => inner,
            });
        }
        let outputs = lowering.element(e, inputs, &lane_places)?;
        for (result, output) in results.iter_mut().zip(outputs) {
            result.push(output);
        }
    }
    let cursors = cursors_at(e, &map.writes, &places)?;
    let writes = map.writes.iter().zip(cursors).zip(&vectors.writes);
    for (((access, cursor), along), values) in writes.zip(results) {
        run.store(e, access, cursor, *along, &values)?;
    }
    Ok(())
}

/// Elements side by side along the innermost axis.
struct Run {
    axis: usize,
    has_axis: bool,
    /// The place of the first along that axis, in vectors.
    vector: Place,
    /// The same in elements, where anything asks for it.
    inner: Place,
    width: usize,
}

impl Run {
    fn load(
        &self,
        e: &mut Emitter,
        access: &Access,
        cursor: Cursor,
        along: Along,
    ) -> Result<Vec<Value>, Fault> {
        let dtype = e.dtype(access.argument);
        match along {
            Along::Uniform => {
                let spot = cursor.spot(e, access)?;
                let value = e.load_element(dtype, spot, 0)?;
                Ok(vec![value; self.width])
            }
            Along::Vector if self.width > 1 => {
                let width = self.width as i64;
                let cursor = cursor.leap(e, access, self.axis, self.vector, width)?;
                let spot = cursor.spot(e, access)?;
                e.load_elements(dtype, spot, self.width)
            }
            _ => {
                let mut values = Vec::with_capacity(self.width);
                for lane in 0..self.width {
                    let spot = self.spot(e, access, cursor, lane)?;
                    values.push(e.load_element(dtype, spot, 0)?);
                }
                Ok(values)
            }
        }
    }

    fn store(
        &self,
        e: &mut Emitter,
        access: &Access,
        cursor: Cursor,
        along: Along,
        values: &[Value],
    ) -> Result<(), Fault> {
        let dtype = e.dtype(access.argument);
        if along == Along::Vector && self.width > 1 {
            let width = self.width as i64;
            let cursor = cursor.leap(e, access, self.axis, self.vector, width)?;
            let spot = cursor.spot(e, access)?;
            return e.store_elements(dtype, spot, values);
        }
        for (lane, value) in values.iter().enumerate() {
            let spot = self.spot(e, access, cursor, lane)?;
            e.store_element(dtype, spot, 0, *value)?;
        }
        Ok(())
    }

    /// Where the element of a lane lies.
    fn spot(
        &self,
        e: &mut Emitter,
        access: &Access,
        cursor: Cursor,
        lane: usize,
    ) -> Result<crate::memory::Spot, Fault> {
        if !self.has_axis {
            return cursor.spot(e, access);
        }
        let place = e.advance(self.inner, lane as u64);
        let cursor = cursor.advance(e, access, self.axis, place)?;
        cursor.spot(e, access)
    }
}
