//! Rows that several blocks share: each writes what its part gives to scratch memory, and the last
//! one to do so folds them all in order.

use eyas_ir::Comparison;
use eyas_tensor::Dim;

use crate::builder::{Atomic, Control, Operand, Predicate, Register, Type, U32, U64};
use crate::emitter::Emitter;
use crate::error::Fault;
use crate::reduce::Reducing;
use crate::reduce::choice::{Choice, Choices};
use crate::reduce::fold::Folding;
use crate::reduce::row::Row;
use crate::reduce::share::{load, store};
use crate::value::Value;

/// What arrays in scratch memory begin at multiples of.
const ALIGNMENT: i64 = 256;

/// Bytes that suffice for any value and any place.
const SHARE: i64 = 8;

/// The layout of scratch memory: a counter for the blocks of each group of rows, then what every
/// part of every row gave.
pub(crate) struct Scratch {
    /// All bytes.
    pub(crate) bytes: Dim,
    /// Bytes at the beginning that are zero.
    pub(crate) cleared: Dim,
    /// Where the values and the places begin.
    shares: Vec<Dim>,
}

impl Scratch {
    /// `None` where no row is shared.
    pub(crate) fn of(reducing: &Reducing, choices: &Choices) -> Result<Option<Scratch>, Fault> {
        let choice = match choices {
            Choices::Always(choice) | Choices::UpTo(_, _, choice) => choice,
        };
        match choice.is_divided() {
            true => Scratch::new(reducing, choice).map(Some),
            false => Ok(None),
        }
    }

    fn new(reducing: &Reducing, choice: &Choice) -> Result<Scratch, Fault> {
        let counters = choice.groups(&reducing.rows)?.mul(&Dim::from(4))?;
        let cleared = aligned(&counters)?;
        let each = aligned(&reducing.rows.mul(&choice.parts)?.mul(&Dim::from(SHARE))?)?;
        let places = cleared.add(&each)?;
        Ok(Scratch {
            bytes: places.add(&each)?,
            shares: vec![cleared.clone(), places],
            cleared,
        })
    }
}

fn aligned(bytes: &Dim) -> Result<Dim, Fault> {
    let alignment = Dim::from(ALIGNMENT);
    let over = bytes.add(&alignment)?.sub(&Dim::from(1))?;
    Ok(over.floor_div(&alignment)?.mul(&alignment)?)
}

/// The fold over all parts of the row, from that over the block's. Only the last block of those
/// that share it goes on.
pub(crate) fn conclude(
    e: &mut Emitter,
    row: &Row<'_>,
    folding: &Folding,
    folded: Vec<Value>,
) -> Result<Vec<Value>, Fault> {
    let (reducing, team) = (row.reducing, row.team);
    let scratch = Scratch::new(reducing, team.choice)?;
    let parts = e.dim(&team.choice.parts);
    let result: Vec<Value> = folded.iter().map(|value| value.copied(e)).collect();
    let together = |e: &mut Emitter| -> Result<(), Fault> {
        e.comment("what this part gives, for the last block of the row");
        let shares = shares(e, row, &scratch, &folded)?;
        let leads = team.leads(e);
        for (shares, value) in shares.iter().zip(&folded) {
            let value = value.held(e);
            let at = e.step(*shares, team.part, &reducing.rows, SHARE)?;
            let at = at.global(0).into();
            match leads {
                Some(leads) => e.guarded(leads, true, |b| store(b, at, value))?,
                None => store(e, at, value)?,
            }
        }
        let last = is_last(e, row, parts)?;
        e.return_where(last, false);
        e.comment("what all parts gave");
        let all: Vec<Value> = {
            let nothing = folding.nothing()?;
            nothing.into_iter().map(|value| value.copied(e)).collect()
        };
        let lanes = team.choice.lanes as u64;
        let first = e.wide(team.lane);
        let each = |e: &mut Emitter, part: Register<U64>| {
            let mut more = Vec::with_capacity(all.len());
            for (shares, like) in shares.iter().zip(&all) {
                let at = e.step(*shares, part.into(), &reducing.rows, SHARE)?;
                more.push(load(e, at.global(0).into(), *like)?);
            }
            let more = folding.combine(e, &all, &more)?;
            for (all, more) in all.iter().zip(more) {
                all.settle(e, more)?;
            }
            Ok::<(), Fault>(())
        };
        // A row that is a copy of another's is not this block's to read.
        match team.valid {
            Some(valid) => e.when(valid, |e| e.repeat(first, parts, lanes, each))?,
            None => e.repeat(first, parts, lanes, each)?,
        }
        let all = team.meet(e, folding, all.clone(), "all_shares")?;
        for (result, all) in result.iter().zip(all) {
            result.assign(e, all)?;
        }
        Ok(())
    };
    match parts {
        Operand::Constant(_) => together(e)?,
        Operand::Register(parts) => {
            let several = e.compare(Comparison::Greater, parts, 1u64);
            e.when(several, together)?;
        }
    }
    Ok(result)
}

/// Where the row's shares begin; those of its parts are as many apart as there are rows.
fn shares(
    e: &mut Emitter,
    row: &Row<'_>,
    scratch: &Scratch,
    like: &[Value],
) -> Result<Vec<Register<U64>>, Fault> {
    let base = e.scratch();
    let mut found = Vec::with_capacity(like.len());
    for (_, shares) in like.iter().zip(&scratch.shares) {
        let array = e.shift(base, shares, 1)?;
        found.push(e.step(array, row.team.row, &Dim::from(1), SHARE)?);
    }
    Ok(found)
}

/// Whether this block is the last of those that share its rows to come here; all its threads get
/// the same answer.
fn is_last(
    e: &mut Emitter,
    row: &Row<'_>,
    parts: Operand<U64>,
) -> Result<Register<Predicate>, Fault> {
    let flag = e.shared_array("last", Type::U32, 1);
    let (counters, thread) = (e.scratch(), e.thread());
    e.barrier();
    let first = e.compare(Comparison::Equal, thread, 0u32);
    e.when(first, |e| {
        let counter = e.step(counters, row.team.group, &Dim::from(1), 4)?;
        // What the block wrote is there before it is counted, and what others wrote after.
        e.fence();
        let before = e.atomic::<U32>(Atomic::Add, counter.global(0), 1u32);
        e.fence();
        let before = e.resize::<U64, U32>(before);
        let own = e.add::<U64>(before, 1u32);
        let last = e.compare::<U64>(Comparison::Equal, own, parts);
        let last = e.select::<U32>(last, 1u32, 0u32);
        e.store::<U32>(flag.shared(0), last);
        Ok::<(), Fault>(())
    })?;
    e.barrier();
    let last = e.load::<U32>(flag.shared(0));
    Ok(e.compare(Comparison::NotEqual, last, 0u32))
}
