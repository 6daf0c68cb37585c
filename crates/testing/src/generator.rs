use std::collections::BTreeMap;

use eyas_ir::{
    Composite, Constant, Entry, Graph, Mode, Module, Op, ParameterDecl, ParameterKind, Symbol,
    TensorType, UnaryFunction, Value,
};
use eyas_tensor::{DType, Dim, Tensor};

use crate::{Draw, Options, elementwise, indexing, layout, looping, reduction};

/// A module with one entry point, `main`, and what to run it with.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The module.
    pub module: Module,
    /// The inputs of `main` in order.
    pub inputs: Vec<Tensor>,
    /// All parameters by path.
    pub parameters: BTreeMap<String, Tensor>,
}

/// A value in the making.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) value: Value,
    pub(crate) ty: TensorType,
    /// The logarithm (base 2) of a bound on its magnitude.
    pub(crate) bound: i32,
}

/// Magnitudes beyond two to this power are brought down before they grow.
const BOUND: i32 = 12;

/// The graph in the making and all around it.
pub(crate) struct Generator<'a> {
    pub(crate) draw: Draw,
    pub(crate) options: &'a Options,
    pub(crate) module: Module,
    pub(crate) graph: Graph,
    pub(crate) slots: Vec<Slot>,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) parameters: BTreeMap<String, Tensor>,
    /// Symbols and their values.
    pub(crate) symbols: Vec<(Dim, usize)>,
}

/// A module for a seed: the same for the same seed and options.
pub fn random_module(seed: u64, options: &Options) -> Case {
    let mut draw = Draw::new(seed);
    let symbols = match options.symbols {
        true => vec![
            (Dim::symbol("B"), *draw.pick(&[1, 2, 3, 5])),
            (Dim::symbol("S"), *draw.pick(&[1, 2, 4, 7])),
        ],
        false => Vec::new(),
    };
    let mut generator = Generator {
        draw,
        options,
        module: Module::default(),
        graph: Graph::new("main"),
        slots: Vec::new(),
        inputs: Vec::new(),
        parameters: BTreeMap::new(),
        symbols,
    };
    for _ in 0..1 + generator.draw.below(3) {
        let ty = generator.random_type(4);
        generator.input(ty);
    }
    for _ in 0..options.ops {
        generator.step();
    }
    generator.finish()
}

impl Generator<'_> {
    /// Adds an op of a random family, where it fits.
    fn step(&mut self) {
        let options = self.options;
        let _fitted = match self.draw.below(20) {
            0..=5 => elementwise::add(self),
            6..=7 => elementwise::add_splat(self),
            8..=10 => layout::add(self),
            11..=12 => reduction::add(self),
            13..=14 if options.composites => reduction::add_composite(self),
            15..=16 if options.contractions => reduction::add_contraction(self),
            17 if options.indexing => indexing::add(self),
            18 if options.loops => looping::add(self),
            _ => self.fresh(),
        };
    }

    /// A new input, parameter or constant.
    fn fresh(&mut self) -> Option<()> {
        let ty = self.random_type(3);
        self.operand(ty).map(drop)
    }

    /// A new value of a type: an input, a parameter or a constant.
    pub(crate) fn operand(&mut self, ty: TensorType) -> Option<Slot> {
        let Some(shape) = ty.static_shape() else {
            return self.input(ty);
        };
        match self.draw.below(4) {
            0 => self.input(ty),
            1 => {
                let value = Constant::from(self.draw.tensor(ty.dtype, &shape)?);
                self.push(Op::Constant { value }, &[], 3)
            }
            _ => {
                let path = format!("p{}.w", self.parameters.len());
                self.parameter(path, ty)
            }
        }
    }

    pub(crate) fn input(&mut self, ty: TensorType) -> Option<Slot> {
        let shape = self.concrete(&ty)?;
        let tensor = self.draw.tensor(ty.dtype, &shape)?;
        let value = self
            .graph
            .add_input(format!("x{}", self.inputs.len()), ty.clone());
        self.inputs.push(tensor);
        Some(self.keep(value, ty, 3))
    }

    fn parameter(&mut self, path: String, ty: TensorType) -> Option<Slot> {
        self.declare(&path, &ty)?;
        let op = Op::Parameter { path };
        let value = self
            .graph
            .add_typed(op, &[], vec![ty.clone()], Default::default());
        Some(self.keep(value, ty, 3))
    }

    /// Declares a parameter and gives it a value.
    pub(crate) fn declare(&mut self, path: &str, ty: &TensorType) -> Option<()> {
        let tensor = self.draw.tensor(ty.dtype, &ty.static_shape()?)?;
        let declaration = ParameterDecl {
            ty: ty.clone(),
            initialiser: None,
            kind: ParameterKind::Parameter,
            span: None,
        };
        self.module.parameters.insert(path.to_owned(), declaration);
        self.parameters.insert(path.to_owned(), tensor);
        Some(())
    }

    fn keep(&mut self, value: Value, ty: TensorType, bound: i32) -> Slot {
        let slot = Slot { value, ty, bound };
        self.slots.push(slot.clone());
        slot
    }

    /// Adds a node and keeps its result, unless it does not fit or has too many elements.
    pub(crate) fn push(&mut self, op: Op, operands: &[Value], bound: i32) -> Option<Slot> {
        let value = self.graph.add(op, operands).ok()?;
        let ty = self.graph.type_of(value).clone();
        let count = self.concrete(&ty)?.iter().product::<usize>();
        if count > self.options.max_elements {
            return None;
        }
        let slot = Slot { value, ty, bound };
        if bound <= BOUND || !slot.ty.dtype.is_float() {
            return Some(self.keep(slot.value, slot.ty, slot.bound.min(BOUND)));
        }
        self.push(Op::unary(UnaryFunction::Tanh), &[slot.value], 0)
    }

    /// A value that is there, recent ones preferred.
    pub(crate) fn any(&mut self) -> Option<Slot> {
        let count = self.slots.len();
        let back = self.draw.below(count).min(self.draw.below(count));
        self.slots.get(count.checked_sub(1 + back)?).cloned()
    }

    /// A value that is there, of a floating-point type.
    pub(crate) fn any_float(&mut self) -> Option<Slot> {
        (0..8).find_map(|_| self.any().filter(|slot| slot.ty.dtype.is_float()))
    }

    /// A value of exactly this type: one that is there, or a new one.
    pub(crate) fn like(&mut self, ty: &TensorType) -> Option<Slot> {
        let known: Vec<Slot> = self
            .slots
            .iter()
            .filter(|slot| slot.ty == *ty)
            .cloned()
            .collect();
        if !known.is_empty() && !self.draw.one_in(4) {
            return Some(self.draw.pick(&known).clone());
        }
        self.operand(ty.clone())
    }

    /// An extent, small and often odd.
    pub(crate) fn extent(&mut self) -> Dim {
        if !self.symbols.is_empty() && self.draw.one_in(4) {
            return self.draw.pick(&self.symbols).0.clone();
        }
        if self.options.empty && self.draw.one_in(40) {
            return Dim::from(0);
        }
        Dim::from(*self.draw.pick(&[1, 1, 2, 3, 3, 4, 5, 7, 8, 9, 17]))
    }

    pub(crate) fn random_type(&mut self, max_rank: usize) -> TensorType {
        let dtype = match self.options.dtypes.is_empty() || self.draw.one_in(2) {
            true => self.options.dtypes.first().copied().unwrap_or(DType::F32),
            false => *self.draw.pick(&self.options.dtypes),
        };
        loop {
            let rank = self.draw.below(max_rank + 1);
            let shape: Vec<Dim> = (0..rank).map(|_| self.extent()).collect();
            let ty = TensorType::new(dtype, shape);
            let count = self.concrete(&ty).map(|shape| shape.iter().product());
            if count.is_some_and(|count: usize| count <= self.options.max_elements) {
                return ty;
            }
        }
    }

    /// The extents under the symbols' values.
    pub(crate) fn concrete(&self, ty: &TensorType) -> Option<Vec<usize>> {
        let value = |name: &str| {
            let known = self.symbols.iter();
            let mut known = known.filter(|(dim, _)| dim.as_symbol() == Some(name));
            known.next().map(|(_, value)| *value as i64)
        };
        let extents = ty.shape.iter().map(|dim| dim.evaluate(&value));
        extents
            .map(|extent| usize::try_from(extent.ok()?).ok())
            .collect()
    }

    /// A composite of one operand.
    pub(crate) fn composite(&mut self, composite: Composite, of: &Slot, bound: i32) -> Option<()> {
        self.push(Op::composite(composite), &[of.value], bound)
            .map(drop)
    }

    /// The last value and every unused one become outputs.
    fn finish(mut self) -> Case {
        let unused: Vec<Value> = self
            .slots
            .iter()
            .map(|slot| slot.value)
            .filter(|value| self.graph.uses(*value).is_empty())
            .collect();
        let last = self.slots.last().map(|slot| slot.value);
        let (mut outputs, mut names) = (Vec::new(), 0);
        for value in unused.into_iter().rev().take(4).chain(last) {
            if !outputs.contains(&value) {
                outputs.push(value);
                self.graph.add_output(format!("y{names}"), value);
                names += 1;
            }
        }
        self.bind_symbols();
        self.graph.remove_dead();
        let graph = self.module.add_graph(self.graph);
        self.module.entries.push(Entry {
            name: "main".into(),
            graph,
            mode: Mode::Inference,
            states: Vec::new(),
        });
        Case {
            module: self.module,
            inputs: self.inputs,
            parameters: self.parameters,
        }
    }

    /// Every symbol in use is read off an input.
    fn bind_symbols(&mut self) {
        for (dim, value) in self.symbols.clone() {
            let name = dim.as_symbol().unwrap_or_default().to_owned();
            let shape = vec![dim];
            let ty = TensorType::new(DType::Bool, shape);
            if let Some(tensor) = self.draw.tensor(ty.dtype, &[value]) {
                self.graph.add_input(format!("extent_{name}"), ty);
                self.inputs.push(tensor);
            }
            self.module.symbols.push(Symbol { name, span: None });
        }
    }
}
