use eyas_diagnostic::Span;
use eyas_ir::Reduction;
use eyas_syntax::ast::PatternCall;

use super::{Atom, Atomic, By, Entry, Sizes, written_extents};
use crate::contraction::letter;
use crate::elaborator::{Elaborator, Eval};
use crate::expression::Placed;
use crate::value::{Operand, Value};

impl<'p> Elaborator<'p> {
    /// Products of all operands, two at a time, summed over the axes that the result lacks.
    pub(super) fn einsum(
        &mut self,
        call: &'p PatternCall,
        operands: Vec<Placed>,
        mut sizes: Sizes,
    ) -> Eval<Operand> {
        let written = written_extents(call);
        let span = call.span;
        let mut parts = Vec::new();
        for (list, (value, place)) in call.inputs.iter().zip(&operands) {
            let operand = self.tensor(value, *place)?;
            if let Some((first, _)) = parts.first() {
                let first: &Atomic = first;
                let left = (Value::Tensor(first.operand.clone()), operands[0].1);
                self.common_dtype(&left, &(Value::Tensor(operand.clone()), *place), span)?;
            }
            let atomic = self.take_apart(list, &operand, *place, &mut sizes, &written)?;
            parts.push((atomic, *place));
        }
        let output: Vec<Entry> = self
            .entries_of(&call.output, sizes.rest.unwrap_or(0))
            .into_iter()
            .flat_map(|(entries, _)| entries)
            .collect();
        let mut rest: Vec<Atomic> = parts.into_iter().map(|(part, _)| part).collect();
        let mut left = rest.remove(0);
        if rest.is_empty() {
            left = self.sum_lonely(left, &[], &output, span)?;
        }
        while !rest.is_empty() {
            let right = rest.remove(0);
            left = self.pair(left, right, &rest, &output, span)?;
        }
        self.put_together(call, left, &mut sizes, &written, span)
    }

    /// Sums the atoms that neither the other operands nor the result have.
    fn sum_lonely(
        &mut self,
        own: Atomic,
        others: &[&Atomic],
        output: &[Entry],
        span: Span,
    ) -> Eval<Atomic> {
        let needed = |atom: &Atom| {
            output.iter().any(|entry| entry.atom == *atom)
                || others.iter().any(|other| other.atoms.contains(atom))
        };
        let lost: Vec<usize> = (0..own.atoms.len())
            .filter(|at| !needed(&own.atoms[*at]))
            .collect();
        if lost.is_empty() {
            return Ok(own);
        }
        self.reduce_atoms(own, &lost, By::Reduction(Reduction::Sum), span)
    }

    /// The product of two operands, summed over what no one else needs.
    fn pair(
        &mut self,
        left: Atomic,
        right: Atomic,
        rest: &[Atomic],
        output: &[Entry],
        span: Span,
    ) -> Eval<Atomic> {
        let others: Vec<&Atomic> = std::iter::once(&right).chain(rest).collect();
        let left = self.sum_lonely(left, &others, output, span)?;
        let others: Vec<&Atomic> = std::iter::once(&left).chain(rest).collect();
        let right = self.sum_lonely(right, &others, output, span)?;
        let mut atoms: Vec<Atom> = Vec::new();
        for atom in left.atoms.iter().chain(&right.atoms) {
            if !atoms.contains(atom) {
                atoms.push(atom.clone());
            }
        }
        let letters = |list: &[Atom]| -> Vec<char> {
            let places = list
                .iter()
                .map(|atom| atoms.iter().position(|own| own == atom));
            places.map(|place| letter(place.unwrap_or(0))).collect()
        };
        let needed = |atom: &&Atom| {
            output.iter().any(|entry| entry.atom == **atom)
                || rest.iter().any(|other| other.atoms.contains(atom))
        };
        // The result's own order saves a transpose at the end.
        let mut kept: Vec<Atom> = output
            .iter()
            .map(|entry| entry.atom.clone())
            .filter(|atom| atoms.contains(atom))
            .collect();
        let more: Vec<Atom> = atoms
            .iter()
            .filter(needed)
            .filter(|atom| !kept.contains(atom))
            .cloned()
            .collect();
        kept.extend(more);
        let operand = self.contract(
            (&left.operand, &letters(&left.atoms)),
            (&right.operand, &letters(&right.atoms)),
            &letters(&kept),
            span,
        )?;
        Ok(Atomic {
            operand,
            atoms: kept,
        })
    }
}
