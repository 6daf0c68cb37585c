use std::collections::BTreeMap;

use eyas_ir::{Op, ScalarId, Value};
use eyas_tensor::{DType, Dim};

use crate::emit::{Emitter, Frame, Leaf, Read};
use crate::index::Index;
use crate::refusal::Refusal;

/// The sums of products that a kernel makes.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    /// The contraction in the graph.
    pub(crate) value: Value,
    /// Axes of both operands and the result.
    pub(crate) batch: Vec<usize>,
    /// Axes of the first operand and the result.
    pub(crate) rows: Vec<usize>,
    /// Axes of the second operand and the result.
    pub(crate) columns: Vec<usize>,
    /// Axes that are summed over.
    pub(crate) contracted: Vec<usize>,
    pub(crate) left: Read,
    pub(crate) right: Read,
    pub(crate) accumulator: DType,
    place: Vec<Index>,
    result: ScalarId,
}

impl Emitter<'_> {
    /// The sum of a contraction, after its epilogue.
    pub(crate) fn contraction(&mut self, value: Value, map: &[Index]) -> Result<ScalarId, Refusal> {
        match &self.frame {
            Frame::Open => {}
            Frame::Sums(sums) if sums.value == value && sums.place == map => {
                return Ok(sums.result);
            }
            _ => return Err(Refusal::Form),
        }
        let Op::Contraction {
            spec,
            accumulator,
            epilogue,
        } = self.graph.op(value)
        else {
            return Err(Refusal::Form);
        };
        let operands = self.graph.operands(value.node);
        let mut places: BTreeMap<char, Index> = BTreeMap::new();
        let mut axes: BTreeMap<char, Vec<usize>> = BTreeMap::new();
        let shape = self.graph.type_of(value).shape.clone();
        for ((letter, index), extent) in spec.output.iter().zip(map).zip(&shape) {
            axes.insert(*letter, self.digits(index, extent)?);
            places.insert(*letter, index.clone());
        }
        let mut covered: Vec<usize> = axes.values().flatten().copied().collect();
        covered.sort_unstable();
        if covered != self.start_axes() {
            return Err(Refusal::Form);
        }
        let left_shape = &self.graph.type_of(operands[0]).shape;
        for letter in spec.contracted() {
            let position = spec.left.iter().position(|own| *own == letter);
            let extent = left_shape[position.ok_or(Refusal::Form)?].clone();
            let axis = self.space.len();
            let (own, index) = match extent.is(1) {
                true => (vec![], Index::zero()),
                false => (vec![axis], Index::axis(axis)),
            };
            if !own.is_empty() {
                self.space.push(extent);
            }
            axes.insert(letter, own);
            places.insert(letter, index);
        }
        let group = |letters: Vec<char>| letters.iter().flat_map(|l| axes[l].clone()).collect();
        let place = |letters: &[char]| letters.iter().map(|l| places[l].clone()).collect();
        let left = self.memory(operands[0], place(&spec.left))?;
        let right = self.memory(operands[1], place(&spec.right))?;
        if left.place.lookup.is_some() || right.place.lookup.is_some() {
            return Err(Refusal::Form);
        }
        let sum = self.leaf(Leaf::Sum, *accumulator)?;
        self.frame = Frame::Sums(Box::new(Sums {
            value,
            batch: group(spec.batch()),
            rows: group(spec.rows()),
            columns: group(spec.columns()),
            contracted: group(spec.contracted()),
            left,
            right,
            accumulator: *accumulator,
            place: map.to_vec(),
            result: sum,
        }));
        let result = match epilogue {
            None => self.builder.cast(sum, self.dtype(value)),
            Some(body) => {
                let mut inputs = vec![sum];
                for operand in &operands[2..] {
                    let place = self.repeated(*operand, map);
                    inputs.push(self.emit(*operand, place)?);
                }
                let results = self.builder.inline(body, &inputs);
                results.first().copied().ok_or(Refusal::Form)?
            }
        };
        if let Frame::Sums(sums) = &mut self.frame {
            sums.result = result;
        }
        Ok(result)
    }

    /// The place of an operand that repeats to the result, aligned at the last axis.
    fn repeated(&self, operand: Value, map: &[Index]) -> Vec<Index> {
        let shape = &self.graph.type_of(operand).shape;
        let aligned = map[map.len() - shape.len()..].iter().zip(shape);
        let place = |(index, extent): (&Index, &Dim)| match extent.is(1) {
            true => Index::zero(),
            false => index.clone(),
        };
        aligned.map(place).collect()
    }

    /// The axes that a place along an axis is made of, as a number is of its digits: the outermost
    /// first, every place exactly once.
    fn digits(&self, index: &Index, extent: &Dim) -> Result<Vec<usize>, Refusal> {
        if extent.is(1) && index.terms.is_empty() {
            return Ok(Vec::new());
        }
        if index.lookup.is_some() || !index.constant.is(0) {
            return Err(Refusal::Form);
        }
        let mut rest: BTreeMap<usize, Dim> = index.terms.clone();
        let (mut stride, mut digits) = (Dim::from(1), Vec::new());
        while !rest.is_empty() {
            let next = rest
                .iter()
                .find(|(_, factor)| self.facts.proves_equal(factor, &stride));
            let axis = *next.ok_or(Refusal::Form)?.0;
            rest.remove(&axis);
            stride = stride.mul(&self.space[axis])?;
            digits.push(axis);
        }
        if !self.facts.proves_equal(&stride, extent) {
            return Err(Refusal::Form);
        }
        digits.reverse();
        Ok(digits)
    }
}
