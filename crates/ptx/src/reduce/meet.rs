use eyas_ir::Comparison;

use crate::builder::{Register, U32};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::place::Place;
use crate::reduce::choice::{Choice, WARP};
use crate::reduce::fold::Folding;
use crate::reduce::share::{kind, load, shuffled, store};
use crate::reduce::team::Team;
use crate::value::Value;

impl Team<'_> {
    /// The fold over a row of what its threads have, which each of them gets: through shuffles
    /// inside warps, through shared memory between them. All threads of the block come here, once.
    pub(crate) fn meet(
        &self,
        e: &mut Emitter,
        folding: &Folding,
        mut folded: Vec<Value>,
        name: &str,
    ) -> Result<Vec<Value>, Fault> {
        let reach = Reach::new(self.choice);
        folded = in_warp(e, folding, folded, reach.across, reach.in_warp)?;
        if reach.warps == 1 {
            return Ok(folded);
        }
        e.comment("between warps through shared memory");
        let mut arrays = Vec::with_capacity(folded.len());
        for (number, value) in folded.iter().enumerate() {
            let (element, count) = (kind(*value)?, reach.slots as u32);
            let name = match number {
                0 => name.to_owned(),
                _ => format!("{name}_place"),
            };
            arrays.push((e.shared_array(&name, element, count), element.bytes()));
        }
        self.put(e, &reach, &arrays, &folded)?;
        e.barrier();
        self.gather(e, &reach, &arrays, folding, &folded)
    }

    /// Writes a warp's share.
    fn put(
        &self,
        e: &mut Emitter,
        reach: &Reach,
        arrays: &[(Register<U32>, u32)],
        folded: &[Value],
    ) -> Result<(), Fault> {
        let thread = e.thread();
        let (slot, writes) = match reach.across {
            across if across >= WARP => (thread, None),
            across => {
                let warp = e.shift_right::<U32>(thread, WARP.trailing_zeros());
                let lane = e.and::<U32>(thread, WARP as u32 - 1);
                let writes = e.compare(Comparison::Less, lane, across as u32);
                let slot = match across {
                    1 => warp,
                    across => e.mad::<U32>(warp, across as u32, lane),
                };
                (slot, Some(writes))
            }
        };
        for ((array, bytes), value) in arrays.iter().zip(folded) {
            let at = e.mad::<U32>(slot, *bytes, *array).shared(0);
            let value = value.held(e);
            match writes {
                Some(writes) => e.guarded(writes, true, |b| store(b, at.into(), value))?,
                None => store(e, at.into(), value)?,
            }
        }
        Ok(())
    }

    /// Reads and folds the shares of all warps.
    fn gather(
        &self,
        e: &mut Emitter,
        reach: &Reach,
        arrays: &[(Register<U32>, u32)],
        folding: &Folding,
        like: &[Value],
    ) -> Result<Vec<Value>, Fault> {
        let thread = e.thread();
        if reach.across == 1 {
            // Each lane takes a share, then they meet as before.
            let share = e.and::<U32>(thread, reach.warps as u32 - 1);
            let rows = self.choice.rows();
            let slot = match (rows, self.slot) {
                (1, _) | (_, Place::Constant(_)) => share,
                (_, Place::Narrow(row)) => e.mad::<U32>(row, reach.warps as u32, share),
                (_, Place::Wide(_)) => return Err(Value::other_kind()),
            };
            let mut folded = Vec::with_capacity(like.len());
            for ((array, bytes), like) in arrays.iter().zip(like) {
                let at = e.mad::<U32>(slot, *bytes, *array).shared(0);
                folded.push(load(e, at.into(), *like)?);
            }
            return in_warp(e, folding, folded, 1, reach.warps);
        }
        let column = e.and::<U32>(thread, reach.across as u32 - 1);
        let mut bases = Vec::with_capacity(arrays.len());
        for (array, bytes) in arrays {
            bases.push(e.mad::<U32>(column, *bytes, *array));
        }
        let mut all: Option<Vec<Value>> = None;
        for warp in 0..reach.warps {
            let mut share = Vec::with_capacity(like.len());
            for ((base, (_, bytes)), like) in bases.iter().zip(arrays).zip(like) {
                let offset = (warp * reach.across) as i32 * *bytes as i32;
                share.push(load(e, base.shared(offset).into(), *like)?);
            }
            all = Some(match all {
                Some(all) => folding.combine(e, &all, &share)?,
                None => share,
            });
        }
        all.ok_or_else(Value::other_kind)
    }
}

/// Which threads of a block share a row.
struct Reach {
    /// Rows that threads side by side have; 1 where these share a row.
    across: i64,
    /// Lanes of a warp that share a row.
    in_warp: i64,
    /// Shares of a row that are left then.
    warps: i64,
    /// Shares of all rows.
    slots: i64,
}

impl Reach {
    fn new(choice: &Choice) -> Reach {
        let across = if choice.columns { choice.rows() } else { 1 };
        let in_warp = (WARP / across.min(WARP)).min(choice.lanes);
        let warps = choice.lanes / in_warp;
        Reach {
            across,
            in_warp,
            warps,
            slots: warps * choice.rows(),
        }
    }
}

/// The fold over so many lanes, `apart` from each other, which each of them gets.
fn in_warp(
    e: &mut Emitter,
    folding: &Folding,
    mut folded: Vec<Value>,
    apart: i64,
    lanes: i64,
) -> Result<Vec<Value>, Fault> {
    let mut bits = apart * lanes / 2;
    while lanes > 1 && bits >= apart {
        let others = folded.iter().map(|value| shuffled(e, *value, bits));
        let others = others.collect::<Result<Vec<_>, _>>()?;
        folded = folding.combine(e, &folded, &others)?;
        bits /= 2;
    }
    Ok(folded)
}
