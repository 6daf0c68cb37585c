use crate::decoder::Condition;
use crate::instruction::Pending;
use crate::lane::{BITS, Bits, LANES, Lane, Mask, Plane, Slot};

/// No instruction's number.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// The registers of a warp's threads that have one width.
#[derive(Debug, Clone, Default)]
pub(crate) struct File<T> {
    pub(crate) planes: Vec<Plane<T>>,
    /// The lanes in which a plane holds what was computed from sensible values.
    pub(crate) defined: Vec<Mask>,
}

/// Where some lanes of a warp are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) at: u32,
    pub(crate) mask: Mask,
    /// Where they wait for those of the frame below.
    pub(crate) until: u32,
}

/// What a warp waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Ready,
    /// A barrier, by its number.
    Waits(u32),
    Done,
}

/// Up to 32 threads that run together.
#[derive(Debug, Clone)]
pub(crate) struct Warp {
    /// Its number in the block.
    pub(crate) index: u32,
    pub(crate) narrow: File<u32>,
    pub(crate) wide: File<u64>,
    pub(crate) predicates: Vec<Mask>,
    pub(crate) predicates_defined: Vec<Mask>,
    /// The last one runs.
    pub(crate) frames: Vec<Frame>,
    /// The lanes that have not ended.
    pub(crate) live: Mask,
    pub(crate) state: State,
    /// Each lane's copies that need not be done yet.
    pub(crate) copies: Vec<Pending>,
}

impl<T: Copy + Default> File<T> {
    pub(crate) fn new(planes: usize) -> File<T> {
        File {
            planes: vec![[T::default(); LANES]; planes],
            defined: vec![0; planes],
        }
    }

    /// Gives a plane one value in all lanes.
    pub(crate) fn fill(&mut self, plane: usize, value: T) {
        self.planes[plane] = [value; LANES];
        self.defined[plane] = !0;
    }
}

impl Warp {
    /// A register of all lanes.
    #[inline(always)]
    pub(crate) fn plane<T: Bits>(&self, slot: Slot) -> &Plane<T> {
        &T::file(self).planes[slot.0 as usize]
    }

    /// The lanes where a register is defined.
    #[inline(always)]
    pub(crate) fn defined<T: Bits>(&self, slot: Slot) -> Mask {
        T::file(self).defined[slot.0 as usize]
    }

    /// Writes a register in the lanes of `mask`.
    #[inline(always)]
    pub(crate) fn store<T: Bits>(&mut self, to: Slot, mask: Mask, values: &Plane<T>, good: Mask) {
        let file = T::file_mut(self);
        let plane = &mut file.planes[to.0 as usize];
        if mask == !0 {
            *plane = *values;
        } else {
            for lane in 0..LANES {
                if mask & BITS[lane] != 0 {
                    plane[lane] = values[lane];
                }
            }
        }
        let defined = &mut file.defined[to.0 as usize];
        *defined = *defined & !mask | good & mask;
    }

    /// Says that a register holds nothing sensible in the lanes of `mask`.
    pub(crate) fn spoil<T: Bits>(&mut self, slot: Slot, mask: Mask) {
        T::file_mut(self).defined[slot.0 as usize] &= !mask;
    }

    /// Writes a predicate in the lanes of `mask`.
    pub(crate) fn store_predicate(&mut self, to: Slot, mask: Mask, values: Mask, good: Mask) {
        let at = to.0 as usize;
        self.predicates[at] = self.predicates[at] & !mask | values & mask;
        let defined = &mut self.predicates_defined[at];
        *defined = *defined & !mask | good & mask;
    }

    /// The lanes where a condition holds, and those where it is defined.
    pub(crate) fn condition(&self, condition: Condition) -> (Mask, Mask) {
        let at = condition.slot.0 as usize;
        let values = self.predicates[at];
        (
            if condition.negated { !values } else { values },
            self.predicates_defined[at],
        )
    }

    #[inline(always)]
    pub(crate) fn unary<A: Lane, R: Lane>(
        &mut self,
        mask: Mask,
        to: Slot,
        a: Slot,
        f: impl Fn(A) -> R,
    ) {
        let x = self.plane::<A::Bits>(a);
        let mut values = [R::Bits::default(); LANES];
        for lane in 0..LANES {
            values[lane] = f(A::from_bits(x[lane])).to_bits();
        }
        let good = self.defined::<A::Bits>(a);
        self.store(to, mask, &values, good);
    }

    #[inline(always)]
    pub(crate) fn binary<A: Lane, B: Lane, R: Lane>(
        &mut self,
        mask: Mask,
        to: Slot,
        [a, b]: [Slot; 2],
        f: impl Fn(A, B) -> R,
    ) {
        let (x, y) = (self.plane::<A::Bits>(a), self.plane::<B::Bits>(b));
        let mut values = [R::Bits::default(); LANES];
        for lane in 0..LANES {
            values[lane] = f(A::from_bits(x[lane]), B::from_bits(y[lane])).to_bits();
        }
        let good = self.defined::<A::Bits>(a) & self.defined::<B::Bits>(b);
        self.store(to, mask, &values, good);
    }

    #[inline(always)]
    pub(crate) fn ternary<A: Lane, B: Lane, C: Lane, R: Lane>(
        &mut self,
        mask: Mask,
        to: Slot,
        [a, b, c]: [Slot; 3],
        f: impl Fn(A, B, C) -> R,
    ) {
        let (x, y) = (self.plane::<A::Bits>(a), self.plane::<B::Bits>(b));
        let z = self.plane::<C::Bits>(c);
        let mut values = [R::Bits::default(); LANES];
        for lane in 0..LANES {
            let (x, y, z) = (x[lane], y[lane], z[lane]);
            values[lane] = f(A::from_bits(x), B::from_bits(y), C::from_bits(z)).to_bits();
        }
        let good =
            self.defined::<A::Bits>(a) & self.defined::<B::Bits>(b) & self.defined::<C::Bits>(c);
        self.store(to, mask, &values, good);
    }

    /// The lanes where `f` holds, and those where both operands are defined.
    #[inline(always)]
    pub(crate) fn compare<A: Lane>(
        &self,
        [a, b]: [Slot; 2],
        f: impl Fn(A, A) -> bool,
    ) -> (Mask, Mask) {
        let (x, y) = (self.plane::<A::Bits>(a), self.plane::<A::Bits>(b));
        let mut holds = [0; LANES];
        for lane in 0..LANES {
            let found = f(A::from_bits(x[lane]), A::from_bits(y[lane]));
            holds[lane] = if found { BITS[lane] } else { 0 };
        }
        let mask = holds.iter().fold(0, |all, bit| all | bit);
        (
            mask,
            self.defined::<A::Bits>(a) & self.defined::<A::Bits>(b),
        )
    }

    /// The number of the first thread of the block that is in it.
    pub(crate) fn first_thread(&self) -> u32 {
        self.index * LANES as u32
    }

    /// Ends the lanes of `mask`.
    pub(crate) fn end(&mut self, mask: Mask) {
        self.live &= !mask;
        for frame in &mut self.frames {
            frame.mask &= !mask;
        }
        self.frames.retain(|frame| frame.mask != 0);
        if self.frames.is_empty() {
            self.state = State::Done;
        }
    }

    /// Sends the lanes of `taken` to `target`, the others of the running frame on; both meet at
    /// `join`, where their ways lead in any case; [`NOWHERE`] where they need not meet.
    pub(crate) fn branch(&mut self, taken: Mask, target: u32, join: u32) {
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let (staying, next) = (frame.mask & !taken, frame.at + 1);
        if staying == 0 || taken == 0 {
            frame.at = if taken == 0 { next } else { target };
            return;
        }
        // Whoever meets where the running frame ends is waited for there by the one below it.
        let until = if join == NOWHERE { frame.until } else { join };
        if frame.until == until {
            self.frames.pop();
        } else {
            frame.at = until;
        }
        let mut sides = [(target, taken), (next, staying)];
        if target < next {
            sides.reverse();
        }
        for (at, mask) in sides.into_iter().filter(|(at, _)| *at != until) {
            self.frames.push(Frame { at, mask, until });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warp(frames: &[(u32, Mask, u32)]) -> Warp {
        let frames = frames
            .iter()
            .map(|&(at, mask, until)| Frame { at, mask, until });
        Warp {
            index: 0,
            narrow: File::new(0),
            wide: File::new(0),
            predicates: Vec::new(),
            predicates_defined: Vec::new(),
            frames: frames.collect(),
            live: !0,
            state: State::Ready,
            copies: Vec::new(),
        }
    }

    fn frames(warp: &Warp) -> Vec<(u32, Mask, u32)> {
        warp.frames
            .iter()
            .map(|frame| (frame.at, frame.mask, frame.until))
            .collect()
    }

    #[test]
    fn both_sides_of_a_branch_run_before_what_follows_them() {
        let mut warp = warp(&[(4, 0xff, NOWHERE)]);
        warp.branch(0x0f, 9, 12);
        assert_eq!(
            frames(&warp),
            [(12, 0xff, NOWHERE), (9, 0x0f, 12), (5, 0xf0, 12)]
        );
    }

    #[test]
    fn a_loop_that_lanes_leave_one_by_one_keeps_one_frame() {
        let mut warp = warp(&[(4, 0xff, NOWHERE)]);
        for left in 1..8 {
            let running = 0xff >> left;
            warp.branch(running, 2, 5);
            assert_eq!(frames(&warp), [(5, 0xff, NOWHERE), (2, running, 5)]);
            warp.frames.last_mut().unwrap().at = 4;
        }
    }

    #[test]
    fn lanes_that_end_leave_all_frames() {
        let mut warp = warp(&[(12, 0xff, NOWHERE), (9, 0x0f, 12)]);
        warp.end(0x0f);
        assert_eq!(frames(&warp), [(12, 0xf0, NOWHERE)]);
        warp.end(0xf0);
        assert_eq!(warp.state, State::Done);
    }
}
