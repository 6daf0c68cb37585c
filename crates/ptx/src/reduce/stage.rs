//! One stage of a row.

use eyas_ir::ScalarId;

use crate::emitter::Emitter;
use crate::error::Fault;
use crate::reduce::fold::Folding;
use crate::reduce::row::{Element, Row};
use crate::value::Value;

impl Row<'_> {
    /// The fold over elements that are kept, pair by pair.
    pub(crate) fn fold_kept(
        &self,
        e: &mut Emitter,
        folding: &Folding,
        elements: &mut [Element],
        wanted: ScalarId,
    ) -> Result<Vec<Value>, Fault> {
        let mut folded: Vec<Vec<Value>> = Vec::with_capacity(elements.len());
        for element in elements {
            let one = self.one(e, folding, element, wanted)?;
            folded.push(folding.only_where(e, element.inside, one)?);
        }
        self.halve(e, folding, folded)
    }

    /// The fold over the block's part of the row, in steps.
    pub(crate) fn fold_steps(
        &self,
        e: &mut Emitter,
        folding: &Folding,
        wanted: ScalarId,
    ) -> Result<Vec<Value>, Fault> {
        let range = self.team.range(e, &self.reducing.length)?;
        let mut all = Vec::new();
        for value in folding.nothing()? {
            all.push(value.copied(e));
        }
        self.walk(
            e,
            range,
            &[wanted],
            folding.cost(),
            &mut |e, row, elements, _| {
                let mut folded = Vec::with_capacity(elements.len());
                for element in elements {
                    folded.push(row.one(e, folding, element, wanted)?);
                }
                let folded = row.halve(e, folding, folded)?;
                let more = folding.combine(e, &all, &folded)?;
                for (all, more) in all.iter().zip(more) {
                    all.settle(e, more)?;
                }
                Ok(())
            },
        )?;
        Ok(all)
    }

    /// The fold of one element.
    fn one(
        &self,
        e: &mut Emitter,
        folding: &Folding,
        element: &mut Element,
        wanted: ScalarId,
    ) -> Result<Vec<Value>, Fault> {
        self.compute(e, element, &[wanted])?;
        let value = self.value(wanted, element)?;
        let place = match folding.asks_place() {
            true => element.place(e),
            false => crate::place::Place::Constant(0),
        };
        Ok(folding.one(e, value, place))
    }

    fn halve(
        &self,
        e: &mut Emitter,
        folding: &Folding,
        mut folded: Vec<Vec<Value>>,
    ) -> Result<Vec<Value>, Fault> {
        while folded.len() > 1 {
            let mut halved = Vec::with_capacity(folded.len().div_ceil(2));
            for pair in folded.chunks(2) {
                halved.push(match pair {
                    [a, b] => folding.combine(e, a, b)?,
                    [a, ..] => a.clone(),
                    [] => continue,
                });
            }
            folded = halved;
        }
        folded.pop().map_or_else(|| folding.nothing(), Ok)
    }
}
