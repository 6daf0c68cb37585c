use crate::warp::NOWHERE;

/// Where control goes after an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// On. So do the lanes that a guard keeps from ending.
    Next,
    /// To another instruction.
    Jump(u32),
    /// To another instruction, or on.
    Branch(u32),
    /// Nowhere.
    End,
}

/// For each branch the instruction where all ways from it meet first, its immediate post-dominator;
/// [`NOWHERE`] where they meet at the end alone.
///
/// Post-dominators are found as in Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm",
/// on the reversed graph of blocks. `None` where that takes too long, as it does for no sensible
/// code.
pub(crate) fn joins(flow: &[Flow]) -> Option<Vec<u32>> {
    let blocks = Blocks::new(flow);
    let meets = blocks.post_dominators()?;
    let mut joins = vec![NOWHERE; flow.len()];
    for (block, meet) in meets.iter().enumerate() {
        let last = blocks.starts[block + 1] - 1;
        if let Some(meet) = meet {
            joins[last] = blocks.starts[*meet] as u32;
        }
    }
    Some(joins)
}

/// The most steps from a block to where it meets another.
const STEPS: usize = 1 << 24;

/// Instructions that run one after another.
struct Blocks {
    /// Where each begins, and where the last one ends.
    starts: Vec<usize>,
    /// The blocks that may follow each; [`Blocks::exit`] where it may end.
    successors: Vec<Vec<usize>>,
}

impl Blocks {
    fn new(flow: &[Flow]) -> Blocks {
        let mut leads = vec![false; flow.len() + 1];
        leads[0] = true;
        leads[flow.len()] = true;
        for (at, flow) in flow.iter().enumerate() {
            match flow {
                Flow::Next => {}
                Flow::Jump(to) | Flow::Branch(to) => {
                    leads[at + 1] = true;
                    leads[*to as usize] = true;
                }
                Flow::End => leads[at + 1] = true,
            }
        }
        let starts: Vec<usize> = (0..=flow.len()).filter(|at| leads[*at]).collect();
        let count = starts.len() - 1;
        let block_at = |at: usize| starts.binary_search(&at).unwrap_or(count);
        let successors = (0..count).map(|block| {
            let next = block_at(starts[block + 1]);
            match flow[starts[block + 1] - 1] {
                Flow::Next => vec![next],
                Flow::Jump(to) => vec![block_at(to as usize)],
                Flow::Branch(to) => vec![block_at(to as usize), next],
                Flow::End => vec![count],
            }
        });
        Blocks {
            successors: successors.collect(),
            starts,
        }
    }

    /// The number that stands for the end.
    fn exit(&self) -> usize {
        self.starts.len() - 1
    }

    fn predecessors(&self) -> Vec<Vec<usize>> {
        let mut predecessors = vec![Vec::new(); self.exit() + 1];
        for (block, successors) in self.successors.iter().enumerate() {
            for successor in successors {
                predecessors[*successor].push(block);
            }
        }
        predecessors
    }

    /// Blocks in an order in which each comes after one of its successors at least, from the exit
    /// on; those that never end are not in it.
    fn order(&self) -> Vec<usize> {
        let predecessors = self.predecessors();
        let mut seen = vec![false; self.exit() + 1];
        let mut stack = vec![(self.exit(), 0)];
        let mut order = Vec::new();
        seen[self.exit()] = true;
        while let Some((block, next)) = stack.pop() {
            match predecessors[block].get(next) {
                Some(predecessor) => {
                    stack.push((block, next + 1));
                    if !std::mem::replace(&mut seen[*predecessor], true) {
                        stack.push((*predecessor, 0));
                    }
                }
                None => order.push(block),
            }
        }
        order.reverse();
        order
    }

    fn post_dominators(&self) -> Option<Vec<Option<usize>>> {
        let (exit, order) = (self.exit(), self.order());
        let mut rank = vec![usize::MAX; exit + 1];
        for (at, block) in order.iter().enumerate() {
            rank[*block] = at;
        }
        let mut meets: Vec<Option<usize>> = vec![None; exit + 1];
        meets[exit] = Some(exit);
        let (mut changed, mut steps) = (true, 0);
        while changed {
            changed = false;
            for block in order.iter().skip(1) {
                let known = self.successors[*block]
                    .iter()
                    .filter(|next| meets[**next].is_some());
                let found = known.copied().reduce(|mut a, mut b| {
                    while a != b {
                        while rank[a] > rank[b] {
                            a = meets[a].unwrap_or(exit);
                            steps += 1;
                        }
                        while rank[b] > rank[a] {
                            b = meets[b].unwrap_or(exit);
                            steps += 1;
                        }
                    }
                    a
                });
                steps += 1;
                if steps > STEPS {
                    return None;
                }
                if found.is_some() && found != meets[*block] {
                    meets[*block] = found;
                    changed = true;
                }
            }
        }
        meets.truncate(exit);
        let inner = |meet: Option<usize>| meet.filter(|meet| *meet != exit);
        Some(meets.into_iter().map(inner).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sides_of_a_condition_meet_after_it() {
        // 0: branch 3; 1: -; 2: jump 4; 3: -; 4: end
        let flow = [
            Flow::Branch(3),
            Flow::Next,
            Flow::Jump(4),
            Flow::Next,
            Flow::End,
        ];
        assert_eq!(joins(&flow).unwrap()[0], 4);
    }

    #[test]
    fn a_loop_is_left_to_what_follows_it() {
        // 0: -; 1: -; 2: branch 1; 3: end
        let flow = [Flow::Next, Flow::Next, Flow::Branch(1), Flow::End];
        assert_eq!(joins(&flow).unwrap()[2], 3);
    }

    #[test]
    fn ways_that_end_apart_meet_nowhere() {
        let flow = [Flow::Branch(2), Flow::End, Flow::End];
        assert_eq!(joins(&flow).unwrap()[0], NOWHERE);
    }

    #[test]
    fn a_loop_without_an_end_is_no_trouble() {
        let flow = [Flow::Branch(3), Flow::Next, Flow::Jump(1), Flow::End];
        assert_eq!(joins(&flow).unwrap()[0], 3);
        assert_eq!(joins(&[Flow::Jump(0)]).unwrap(), [NOWHERE]);
    }

    #[test]
    fn an_inner_break_meets_behind_the_loop() {
        // 0: -; 1: branch 4 (break); 2: branch 0 (again); 3: -; 4: end
        let flow = [
            Flow::Next,
            Flow::Branch(4),
            Flow::Branch(0),
            Flow::Next,
            Flow::End,
        ];
        let joins = joins(&flow).unwrap();
        assert_eq!((joins[1], joins[2]), (4, 4));
    }
}
