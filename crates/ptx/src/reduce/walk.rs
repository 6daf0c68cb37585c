use eyas_ir::{Comparison, ScalarId};

use crate::builder::{Control, Integer, Operand, Register, U32, U64};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::place::{Place, is_narrow};
use crate::reduce::row::{Element, Row};
use crate::reduce::team::{Range, sum};

/// Turns that a thread takes at once where it goes through a row in steps, so that several loads
/// are on their way.
const TURNS: i64 = 4;

/// Scalar operations that a step may take for all its elements together.
const LONG_STEP: i64 = 256;

/// Values that a thread reads before it computes.
const READ_AHEAD: i64 = 32;

/// What is done with elements whose reads are there, so many of them side by side.
type Each<'f> = dyn FnMut(&mut Emitter, &Row<'_>, &mut [Element], i64) -> Result<(), Fault> + 'f;

impl Row<'_> {
    /// All elements that are this thread's, where these are few and are kept.
    pub(crate) fn kept(&self, e: &mut Emitter, turns: i64) -> Vec<Element> {
        let choice = self.team.choice;
        let base = e.scale(self.team.lane, choice.vector as u64);
        let (length, step) = (&self.reducing.length, choice.lanes * choice.vector);
        let mut elements = Vec::new();
        for turn in 0..turns {
            let known = length.as_constant();
            let known = known.is_some_and(|length| (turn + 1) * step <= length);
            let further = (turn * step) as u64;
            let inside = (!known).then(|| {
                let place = e.advance(base, further);
                e.is_below(place, length)
            });
            elements.extend(self.turn(base, further, choice.vector, inside));
        }
        elements
    }

    /// Runs `each` for elements that are kept, as many at once as suits what is still to be read.
    pub(crate) fn walk_kept(
        &self,
        e: &mut Emitter,
        elements: &mut [Element],
        wanted: &[ScalarId],
        each: &mut Each<'_>,
    ) -> Result<(), Fault> {
        let vector = self.team.choice.vector;
        let Some(first) = elements.first() else {
            return Ok(());
        };
        let unread = self.unread(wanted, first).count() as i64;
        let turns = match unread {
            0 => elements.len() as i64 / vector,
            unread => (READ_AHEAD / unread / vector).max(1),
        };
        for elements in elements.chunks_mut((turns * vector) as usize) {
            self.load(e, elements, wanted, vector)?;
            each(e, self, elements, vector)?;
        }
        Ok(())
    }

    /// Runs `each` for all elements that are this thread's, some at once, what leads to `wanted`
    /// being read. `cost` is what an element takes beside that.
    pub(crate) fn walk(
        &self,
        e: &mut Emitter,
        range: Range,
        wanted: &[ScalarId],
        cost: i64,
        each: &mut Each<'_>,
    ) -> Result<(), Fault> {
        let choice = self.team.choice;
        let (step, vector) = (choice.lanes * choice.vector, choice.vector);
        let mut some = |e: &mut Emitter, base: Place, turns: i64, width: i64| {
            let turns = (0..turns).map(|turn| (turn * step) as u64);
            let turns = turns.flat_map(|further| self.turn(base, further, width, None));
            let mut elements: Vec<Element> = turns.collect();
            self.load(e, &mut elements, wanted, width)?;
            each(e, self, &mut elements, width)
        };
        let own = e.scale(self.team.lane, vector as u64);
        let first = sum(e, range.first, own);
        let place = Counter::new(e, first, is_narrow(&self.reducing.length));
        let length = self.reducing.length.as_constant();
        let whole = whole(e, range.end, length, vector);
        let turns = self.turns(wanted, cost);
        if turns > 1 {
            let end = less(e, whole, (turns - 1) * step);
            place.steps(e, end, turns * step, &mut |e, base| {
                some(e, base, turns, vector)
            })?;
        }
        if length.is_none_or(|length| turns == 1 || length % (turns * step) != 0) {
            place.steps(e, whole, step, &mut |e, base| some(e, base, 1, vector))?;
        }
        if vector == 1 || length.is_some() {
            return Ok(());
        }
        e.comment("what is left");
        let left = sum(e, whole, self.team.lane);
        let any = below(e, left, range.end);
        e.when(any, |e| some(e, left, 1, 1))
    }

    /// How many turns are taken at once.
    fn turns(&self, wanted: &[ScalarId], cost: i64) -> i64 {
        let (choice, phases) = (self.team.choice, &self.reducing.phases);
        let nodes = phases.towards(wanted, |id| !phases.varies(id));
        let reads = nodes.iter().filter(|id| phases.is_input(**id)).count() as i64;
        let cost = nodes.len() as i64 + cost + self.reducing.place_cost();
        let step = choice.lanes * choice.vector;
        let fits = |turns: &i64| {
            let (length, elements) = (self.reducing.length.as_constant(), turns * choice.vector);
            elements * cost <= LONG_STEP
                && elements * reads <= READ_AHEAD
                && length.is_none_or(|length| length >= turns * step)
        };
        let mut turns = TURNS;
        while turns > 1 && !fits(&turns) {
            turns /= 2;
        }
        turns
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
fn whole(e: &mut Emitter, end: Place, length: Option<i64>, vector: i64) -> Place {
    let mask = !(vector as u64 - 1);
    match end {
        // A known length is a multiple, and so is every part of it.
        end if length.is_some() || vector == 1 => end,
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
