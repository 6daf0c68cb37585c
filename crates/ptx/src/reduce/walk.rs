use eyas_ir::{Comparison, ScalarId};
use eyas_tensor::Dim;

use crate::builder::{Control, Integer, Operand, Register, U32, U64};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::place::{Place, is_narrow};
use crate::reduce::row::{Element, Row, Stride, Turn};
use crate::reduce::team::{Range, sum};

/// Places that a thread takes at once where it goes through a row in steps.
const AT_ONCE: i64 = 4;

/// What is done with elements whose reads are there.
type Each<'f> = dyn FnMut(&mut Emitter, &Row<'_>, &mut [Element], Stride) -> Result<(), Fault> + 'f;

impl Row<'_> {
    /// All elements that are this thread's, where these are few and are kept.
    pub(crate) fn kept(&self, e: &mut Emitter, turns: i64) -> Result<(Vec<Element>, Stride), Fault> {
        let choice = self.team.choice;
        let stride = Stride {
            count: choice.vector,
            apart: 1,
        };
        let base = e.scale(self.team.lane, choice.vector as u64);
        let (length, step) = (&self.reducing.length, choice.lanes * choice.vector);
        let mut all = Vec::new();
        for turn in 0..turns {
            let known = length.as_constant().is_some_and(|length| (turn + 1) * step <= length);
            let further = (turn * step) as u64;
            let inside = (!known).then(|| {
                let place = e.advance(base, further);
                e.is_below(place, length)
            });
            all.push(Turn { further, inside });
        }
        Ok((self.elements(base, &all, stride), stride))
    }

    /// Runs `each` for all elements that are this thread's, some at once, what leads to `wanted`
    /// being read.
    pub(crate) fn walk(
        &self,
        e: &mut Emitter,
        range: Range,
        wanted: &[ScalarId],
        each: &mut Each<'_>,
    ) -> Result<(), Fault> {
        let choice = self.team.choice;
        let (lanes, vector) = (choice.lanes, choice.vector);
        let mut some = |e: &mut Emitter, base: Place, stride: Stride| {
            let turn = Turn {
                further: 0,
                inside: None,
            };
            let mut elements = self.elements(base, &[turn], stride);
            self.load(e, &mut elements, wanted, stride)?;
            each(e, self, &mut elements, stride)
        };
        let one = Stride { count: 1, apart: 1 };
        let own = e.scale(self.team.lane, vector as u64);
        let first = sum(e, range.first, own);
        let place = Counter::new(e, first, is_narrow(&self.reducing.length));
        if vector > 1 {
            let stride = Stride {
                count: vector,
                apart: 1,
            };
            let whole = whole(e, range.end, &self.reducing.length, vector);
            place.steps(e, whole, lanes * vector, &mut |e, base| some(e, base, stride))?;
            if self.reducing.length.as_constant().is_some() {
                return Ok(());
            }
            e.comment("what is left");
            let left = sum(e, whole, self.team.lane);
            let any = below(e, left, range.end);
            return e.when(any, |e| some(e, left, one));
        }
        let most = self.reducing.length.as_constant().map(|length| length / lanes);
        if self.reducing.inner.len() == 1 && most.is_none_or(|most| most >= AT_ONCE) {
            let stride = Stride {
                count: AT_ONCE,
                apart: lanes,
            };
            let end = less(e, range.end, (AT_ONCE - 1) * lanes);
            place.steps(e, end, AT_ONCE * lanes, &mut |e, base| some(e, base, stride))?;
        }
        place.steps(e, range.end, lanes, &mut |e, base| some(e, base, one))
    }
}

/// A place that moves on.
#[derive(Clone, Copy)]
enum Counter {
    Narrow(Register<U32>),
    Wide(Register<U64>),
}

impl Counter {
    fn new(e: &mut Emitter, first: Place, narrow: bool) -> Counter {
        match first {
            Place::Constant(first) if narrow => Counter::Narrow(e.copy(first as u32)),
            Place::Narrow(first) if narrow => Counter::Narrow(e.copy(first)),
            first => {
                let first = e.wide(first);
                Counter::Wide(e.copy(first))
            }
        }
    }

    /// Runs `body` in steps as long as the place is before the end.
    fn steps(
        self,
        e: &mut Emitter,
        end: Place,
        step: i64,
        body: &mut dyn FnMut(&mut Emitter, Place) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        match self {
            Counter::Narrow(place) => {
                let end = match end {
                    Place::Constant(end) => Operand::Constant(end as u32),
                    Place::Narrow(end) => end.into(),
                    Place::Wide(end) => e.resize::<U32, U64>(end).into(),
                };
                steps(e, place, end, step, body)
            }
            Counter::Wide(place) => {
                let end = e.wide(end);
                steps(e, place, end, step, body)
            }
        }
    }
}

fn steps<T: Integer>(
    e: &mut Emitter,
    place: Register<T>,
    end: Operand<T>,
    step: i64,
    body: &mut dyn FnMut(&mut Emitter, Place) -> Result<(), Fault>,
) -> Result<(), Fault>
where
    Register<T>: Into<Place>,
{
    let (again, done) = (e.label("loop"), e.label("done"));
    let any = e.compare(Comparison::Less, place, end);
    e.branch_where(any, false, done);
    e.place(again);
    body(e, place.into())?;
    let step = Operand::Constant(T::small(step as i32));
    e.set(place, |b| b.add(place, step));
    let more = e.compare(Comparison::Less, place, end);
    e.branch_where(more, true, again);
    e.place(done);
    Ok(())
}

/// The end of what is there in whole vectors.
fn whole(e: &mut Emitter, end: Place, length: &Dim, vector: i64) -> Place {
    let mask = !(vector as u64 - 1);
    match end {
        // The length is a multiple, and every part of it.
        end if length.as_constant().is_some() => end,
        Place::Constant(end) => Place::Constant(end & mask),
        Place::Narrow(end) => e.and::<U32>(end, mask as u32).into(),
        Place::Wide(end) => e.and::<U64>(end, mask).into(),
    }
}

/// A place so much before, or 0.
fn less(e: &mut Emitter, place: Place, by: i64) -> Place {
    let by = by as u64;
    match place {
        Place::Constant(place) => Place::Constant(place.saturating_sub(by)),
        Place::Narrow(place) => {
            let place = e.max::<U32>(place, by as u32);
            e.sub::<U32>(place, by as u32).into()
        }
        Place::Wide(place) => {
            let place = e.max::<U64>(place, by);
            e.sub::<U64>(place, by).into()
        }
    }
}

/// Whether a place is before another.
fn below(e: &mut Emitter, a: Place, b: Place) -> Register<crate::builder::Predicate> {
    match (a, b) {
        (Place::Narrow(a), Place::Narrow(b)) => e.compare::<U32>(Comparison::Less, a, b),
        (Place::Narrow(a), Place::Constant(b)) => e.compare::<U32>(Comparison::Less, a, b as u32),
        (a, b) => {
            let (a, b) = (e.wide(a), e.wide(b));
            e.compare::<U64>(Comparison::Less, a, b)
        }
    }
}
