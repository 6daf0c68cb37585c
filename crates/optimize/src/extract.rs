use std::collections::{BTreeMap, BTreeSet};

use egg::Id;
use eyas_ir::Op;
use eyas_tensor::DType;

use crate::analysis::Equalities;
use crate::cost::CostTable;
use crate::term::{OpId, Term, TermOp};

/// Classes beyond which shared subterms are counted once a use while the first choice is made.
const SHARING_CLASSES: usize = 2500;

/// Rounds of improvement.
const ROUNDS: usize = 4;

/// One way to compute a class.
struct Way {
    term: Term,
    cost: f64,
    /// The classes it reads, each once.
    reads: Vec<usize>,
    /// Of a contraction, what it sums, and how much is done to the sums.
    product: Option<(Product, usize)>,
}

/// What a contraction sums, whatever becomes of the sums.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Product {
    left: Vec<char>,
    right: Vec<char>,
    /// Which letters the result has, in order.
    kept: Vec<char>,
    accumulator: DType,
    operands: (usize, usize),
}

impl Product {
    fn of(op: &TermOp, operands: &[usize]) -> Option<(Product, usize)> {
        let (
            TermOp::Op(
                Op::Contraction {
                    spec,
                    accumulator,
                    epilogue,
                },
                _,
            ),
            [x, y, ..],
        ) = (op, operands)
        else {
            return None;
        };
        let mut kept = spec.output.clone();
        kept.sort_unstable();
        let product = Product {
            left: spec.left.clone(),
            right: spec.right.clone(),
            kept,
            accumulator: *accumulator,
            operands: (*x, *y),
        };
        Some((
            product,
            epilogue.as_ref().map_or(0, |body| body.nodes.len()),
        ))
    }
}

/// The ways to compute each class, and one chosen for each.
pub(crate) struct Selection {
    places: Vec<usize>,
    ways: Vec<Vec<Way>>,
    chosen: Vec<Option<usize>>,
    roots: Vec<usize>,
}

const NOWHERE: usize = usize::MAX;

impl Selection {
    /// The cheapest way to compute all roots that greedy choice and local improvement find,
    /// a value used twice paid once. Ties fall to the ops that were there first.
    pub(crate) fn new(egraph: &Equalities, costs: &CostTable, roots: &[Id]) -> Selection {
        let classes: BTreeSet<Id> = egraph.classes().map(|class| class.id).collect();
        let mut places = vec![NOWHERE; egraph.nodes().len()];
        for (place, id) in classes.iter().enumerate() {
            places[usize::from(*id)] = place;
        }
        let place = |id: Id| places[usize::from(egraph.find(id))];
        let ways = classes.iter().map(|id| {
            let class = &egraph[*id];
            let ways = class.nodes.iter().map(|term| {
                let mut reads: Vec<usize> = term.operands.iter().map(|id| place(*id)).collect();
                let op = &egraph.analysis.ops.entry(term.op).op;
                let product = Product::of(op, &reads);
                reads.sort_unstable();
                reads.dedup();
                Way {
                    term: term.clone(),
                    cost: term_cost(egraph, costs, term, *id),
                    reads,
                    product,
                }
            });
            ways.collect::<Vec<Way>>()
        });
        let ways: Vec<Vec<Way>> = ways.collect();
        let roots = roots.iter().map(|id| place(*id)).collect();
        let mut selection = Selection {
            chosen: vec![None; ways.len()],
            places,
            ways,
            roots,
        };
        selection.choose();
        loop {
            let before = selection.chosen.clone();
            let forbidden = selection.forbid_second_products();
            if forbidden.is_empty() {
                return selection;
            }
            selection.choose();
            if selection.order().is_none() {
                // Without them something cannot be computed.
                for (place, number, cost) in forbidden {
                    selection.ways[place][number].cost = cost;
                }
                selection.chosen = before;
                return selection;
            }
        }
    }

    fn choose(&mut self) {
        self.choose_by_tree();
        if self.ways.len() <= SHARING_CLASSES {
            let by_tree = self.chosen.clone();
            self.choose_by_set();
            if self.order().is_none() {
                self.chosen = by_tree;
            }
        }
        self.improve();
    }

    /// A product is computed once: whether to compute it again for a second user is for the
    /// schedule to say. Of several contractions that are chosen and sum the same, the way with the
    /// most after its sums gets a boundless cost, where there is another; gives these ways and
    /// what they cost.
    fn forbid_second_products(&mut self) -> Vec<(usize, usize, f64)> {
        type Members = Vec<(usize, OpId, usize)>;
        let mut groups: BTreeMap<Product, Members> = BTreeMap::new();
        for place in self.order().unwrap_or_default() {
            if let Some(way) = self.way(place)
                && let Some((product, after)) = &way.product
            {
                let member = (*after, way.term.op, place);
                groups.entry(product.clone()).or_default().push(member);
            }
        }
        let mut forbidden = Vec::new();
        for mut members in groups.into_values().filter(|members| members.len() > 1) {
            members.sort_unstable();
            let other = |place: usize| {
                let ways = &self.ways[place];
                ways.iter()
                    .any(|way| way.product.is_none() && !way.reads.contains(&place))
            };
            let last = members
                .into_iter()
                .rev()
                .find(|(_, _, place)| other(*place));
            let Some((_, _, place)) = last else {
                continue;
            };
            if let Some(number) = self.chosen[place] {
                let cost = std::mem::replace(&mut self.ways[place][number].cost, f64::INFINITY);
                forbidden.push((place, number, cost));
            }
        }
        forbidden
    }

    /// The chosen way to compute a class.
    pub(crate) fn term(&self, egraph: &Equalities, id: Id) -> Option<&Term> {
        let place = self.places[usize::from(egraph.find(id))];
        Some(&self.way(place)?.term)
    }

    /// The modelled seconds of all that is chosen.
    pub(crate) fn cost(&self) -> f64 {
        let order = self.order().unwrap_or_default();
        order
            .iter()
            .filter_map(|&place| Some(self.way(place)?.cost))
            .sum()
    }

    fn way(&self, place: usize) -> Option<&Way> {
        self.ways[place].get(self.chosen[place]?)
    }

    /// The least cost where every use pays, which never makes a cycle.
    fn choose_by_tree(&mut self) {
        let mut best = vec![f64::INFINITY; self.ways.len()];
        self.chosen = vec![None; self.ways.len()];
        loop {
            let mut changed = false;
            for place in 0..self.ways.len() {
                for (number, way) in self.ways[place].iter().enumerate() {
                    let parts: f64 = way.reads.iter().map(|&read| best[read]).sum();
                    // A cost that sharing has driven beyond all bounds is still finite.
                    let total = match parts.is_finite() {
                        true => (way.cost + parts).min(f64::MAX / 1e6),
                        false => f64::INFINITY,
                    };
                    if total < best[place] {
                        best[place] = total;
                        self.chosen[place] = Some(number);
                        changed = true;
                    }
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// The least cost of the set of classes that a class needs.
    fn choose_by_set(&mut self) {
        let count = self.ways.len();
        let mut users: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); count];
        for (place, ways) in self.ways.iter().enumerate() {
            for &read in ways.iter().flat_map(|way| &way.reads) {
                users[read].insert(place);
            }
        }
        let mut sets: Vec<Option<(f64, Vec<u64>)>> = vec![None; count];
        self.chosen = vec![None; count];
        let mut work: BTreeSet<usize> = (0..count).collect();
        // Each visit lowers a cost; the bound is for costs that round to the same.
        let mut visits = 64 * count;
        while let Some(place) = work.pop_first() {
            if visits == 0 {
                return;
            }
            visits -= 1;
            let mut changed = false;
            for number in 0..self.ways[place].len() {
                let Some((cost, set)) = self.set_of(place, number, &sets) else {
                    continue;
                };
                let better = match &sets[place] {
                    None => cost.is_finite(),
                    Some((known, _)) => cost < known * (1.0 - 1e-12),
                };
                if better {
                    sets[place] = Some((cost, set));
                    self.chosen[place] = Some(number);
                    changed = true;
                }
            }
            if changed {
                work.extend(&users[place]);
            }
        }
    }

    fn set_of(
        &self,
        place: usize,
        number: usize,
        sets: &[Option<(f64, Vec<u64>)>],
    ) -> Option<(f64, Vec<u64>)> {
        let way = &self.ways[place][number];
        let mut set = vec![0u64; sets.len().div_ceil(64)];
        for &read in &way.reads {
            let (_, other) = sets[read].as_ref()?;
            for (word, bits) in set.iter_mut().zip(other) {
                *word |= bits;
            }
        }
        let bit = |place: usize| (place / 64, 1u64 << (place % 64));
        let (word, mask) = bit(place);
        if set[word] & mask != 0 {
            return None;
        }
        let mut cost = way.cost;
        for (word, bits) in set.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let member = 64 * word + bits.trailing_zeros() as usize;
                cost += self.way(member).map_or(0.0, |way| way.cost);
                bits &= bits - 1;
            }
        }
        set[word] |= mask;
        Some((cost, set))
    }

    /// What the roots need, operands first; `None` where the choices make a cycle or are missing.
    pub(crate) fn order(&self) -> Option<Vec<usize>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.ways.len()];
        let mut order = Vec::new();
        for &root in &self.roots {
            let mut stack = vec![(root, 0)];
            while let Some((place, next)) = stack.pop() {
                if next == 0 {
                    match marks[place] {
                        Mark::Done => continue,
                        Mark::Open => return None,
                        Mark::New => marks[place] = Mark::Open,
                    }
                }
                match self.way(place)?.reads.get(next) {
                    Some(&read) => {
                        stack.push((place, next + 1));
                        stack.push((read, 0));
                    }
                    None => {
                        marks[place] = Mark::Done;
                        order.push(place);
                    }
                }
            }
        }
        Some(order)
    }

    /// Changes one choice at a time where that lowers the cost of the whole, what is needed
    /// elsewhere counting nothing.
    fn improve(&mut self) {
        for _ in 0..ROUNDS {
            let Some(order) = self.order() else {
                return;
            };
            let mut changed = false;
            for &place in order.iter().rev() {
                changed |= self.ways[place].len() > 1 && self.improve_at(place);
            }
            if !changed {
                return;
            }
        }
    }

    fn improve_at(&mut self, place: usize) -> bool {
        let Some(kept) = self.kept_without(place) else {
            return false;
        };
        if !kept.needed[place] {
            return false;
        }
        let Some(current) = self.chosen[place] else {
            return false;
        };
        let mut best: Option<Improvement> = None;
        let mut now = f64::INFINITY;
        for number in 0..self.ways[place].len() {
            let mut acquired = Acquired::new(self.ways.len());
            acquired.state[place] = State::Open;
            let cost = self.acquire_way(&kept, &mut acquired, place, number);
            if number == current {
                now = self.present_cost(&kept, place);
            }
            if cost.is_finite() && best.as_ref().is_none_or(|best| cost < best.cost) {
                let choices = acquired.choices;
                best = Some(Improvement {
                    cost,
                    number,
                    choices,
                });
            }
        }
        let Some(Improvement {
            cost,
            number,
            choices,
        }) = best
        else {
            return false;
        };
        if cost >= now * (1.0 - 1e-9) {
            return false;
        }
        let before = self.chosen.clone();
        self.chosen[place] = Some(number);
        for (class, way) in choices {
            self.chosen[class] = Some(way);
        }
        if self.order().is_none() {
            self.chosen = before;
            return false;
        }
        true
    }

    /// The cost, beyond what is kept, of the class as it is computed now.
    fn present_cost(&self, kept: &Kept, place: usize) -> f64 {
        let (mut cost, mut seen, mut stack) = (0.0, BTreeSet::new(), vec![place]);
        while let Some(class) = stack.pop() {
            if (class != place && kept.needed[class]) || !seen.insert(class) {
                continue;
            }
            if let Some(way) = self.way(class) {
                cost += way.cost;
                stack.extend(&way.reads);
            }
        }
        cost
    }

    /// What the roots need if the class came from outside, and what of it needs the class.
    fn kept_without(&self, place: usize) -> Option<Kept> {
        let order = self.order()?;
        let mut needed = vec![false; self.ways.len()];
        for &root in &self.roots {
            needed[root] = true;
        }
        let mut above = vec![false; self.ways.len()];
        above[place] = true;
        for &class in &order {
            if class != place {
                above[class] = self.way(class)?.reads.iter().any(|&read| above[read]);
            }
        }
        for &class in order.iter().rev() {
            if needed[class] && class != place {
                for &read in &self.way(class)?.reads {
                    needed[read] = true;
                }
            }
        }
        Some(Kept { needed, above })
    }

    fn acquire_way(
        &self,
        kept: &Kept,
        acquired: &mut Acquired,
        place: usize,
        number: usize,
    ) -> f64 {
        let way = &self.ways[place][number];
        let mut cost = way.cost;
        for &read in &way.reads {
            cost += self.acquire(kept, acquired, read);
            if cost.is_infinite() {
                break;
            }
        }
        cost
    }

    /// The least cost to have a class, beyond what is kept and what was acquired before.
    fn acquire(&self, kept: &Kept, acquired: &mut Acquired, place: usize) -> f64 {
        if kept.needed[place] {
            return if kept.above[place] {
                f64::INFINITY
            } else {
                0.0
            };
        }
        match acquired.state[place] {
            State::Have => return 0.0,
            State::Open => return f64::INFINITY,
            State::None if acquired.depth > 64 => return f64::INFINITY,
            State::None => {}
        }
        acquired.state[place] = State::Open;
        acquired.depth += 1;
        let mut best = (f64::INFINITY, 0);
        for number in 0..self.ways[place].len() {
            if acquired.steps == 0 {
                break;
            }
            acquired.steps -= 1;
            let mark = acquired.choices.len();
            let cost = self.acquire_way(kept, acquired, place, number);
            acquired.forget(mark);
            if cost < best.0 {
                best = (cost, number);
            }
        }
        if best.0.is_finite() {
            // Once more, to keep the choices below.
            self.acquire_way(kept, acquired, place, best.1);
            acquired.state[place] = State::Have;
            acquired.choices.push((place, best.1));
        } else {
            acquired.state[place] = State::None;
        }
        acquired.depth -= 1;
        best.0
    }
}

/// Another way to compute a class, its cost beyond what is kept, and the ways that it needs.
struct Improvement {
    cost: f64,
    number: usize,
    choices: Vec<(usize, usize)>,
}

/// What stays when one class is computed otherwise.
struct Kept {
    needed: Vec<bool>,
    above: Vec<bool>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    None,
    Open,
    Have,
}

/// What is needed beyond what is kept.
struct Acquired {
    state: Vec<State>,
    choices: Vec<(usize, usize)>,
    depth: usize,
    /// Ways that may still be looked at.
    steps: usize,
}

impl Acquired {
    fn new(count: usize) -> Acquired {
        Acquired {
            state: vec![State::None; count],
            choices: Vec::new(),
            depth: 0,
            steps: 400,
        }
    }

    fn forget(&mut self, mark: usize) {
        for (class, _) in self.choices.drain(mark..) {
            self.state[class] = State::None;
        }
    }
}

/// The modelled seconds of a node.
pub(crate) fn term_cost(egraph: &Equalities, costs: &CostTable, term: &Term, class: Id) -> f64 {
    let operands = term.operands.iter();
    let operands = operands.filter_map(|id| egraph[*id].data.types.first());
    let op = &egraph.analysis.ops.entry(term.op).op;
    let data = &egraph[class].data;
    costs.term(op, &operands.collect::<Vec<_>>(), &data.types, data.fixed)
}
