use std::collections::BTreeMap;
use std::sync::Arc;

use crate::shadow::Record;

/// What threads of a block let threads of later ones see: writes, a fence, an atomic operation on a
/// place; there, an atomic operation on that place, a fence, reads.
#[derive(Debug)]
pub(crate) struct Publications {
    /// What each thread's last fence covers.
    fences: Vec<Fence>,
    /// What the fences before the last barrier cover of each thread's own accesses.
    collected: Option<Arc<[u32]>>,
    /// Whether there was a fence since.
    fenced: bool,
    /// By the place's address, in the order of time.
    published: BTreeMap<u64, Vec<Publication>>,
    /// The places of each thread's atomic operations since its last fence.
    pending: Vec<Vec<u64>>,
    /// The places that each thread has acquired since the last barrier.
    acquired: Vec<Vec<u64>>,
    /// The places that the whole block has acquired.
    common: Vec<u64>,
}

/// What a fence covers: accesses stamped before these times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fence {
    /// Of the thread itself.
    own: u32,
    /// Of the block.
    block: u32,
}

#[derive(Debug)]
struct Publication {
    /// When its block began.
    began: u32,
    thread: u32,
    fence: Fence,
    collected: Option<Arc<[u32]>>,
}

impl Publications {
    pub(crate) fn new(threads: usize) -> Publications {
        Publications {
            fences: vec![Fence::default(); threads],
            collected: None,
            fenced: false,
            published: BTreeMap::new(),
            pending: vec![Vec::new(); threads],
            acquired: vec![Vec::new(); threads],
            common: Vec::new(),
        }
    }

    pub(crate) fn begin_block(&mut self) {
        self.fences.fill(Fence::default());
        self.collected = None;
        self.fenced = false;
        self.pending.iter_mut().for_each(Vec::clear);
        self.acquired.iter_mut().for_each(Vec::clear);
        self.common.clear();
    }

    pub(crate) fn fence(&mut self, thread: u32, now: u32, barrier: u32) {
        let at = thread as usize;
        self.fences[at] = Fence {
            own: now,
            block: barrier,
        };
        self.fenced = true;
        let pending = std::mem::take(&mut self.pending[at]);
        add(&mut self.acquired[at], &pending);
    }

    pub(crate) fn meet(&mut self) {
        if !self.fenced {
            return;
        }
        self.fenced = false;
        self.collected = Some(self.fences.iter().map(|fence| fence.own).collect());
        for acquired in &mut self.acquired {
            add(&mut self.common, acquired);
            acquired.clear();
        }
    }

    pub(crate) fn atomic(&mut self, thread: u32, address: u64, began: u32) {
        let at = thread as usize;
        if self.published.contains_key(&address) {
            add(&mut self.pending[at], &[address]);
        }
        let fence = self.fences[at];
        if fence == Fence::default() && self.collected.is_none() {
            return;
        }
        let publication = Publication {
            began,
            thread,
            fence,
            collected: self.collected.clone(),
        };
        // What a thread publishes later covers what it published before.
        let published = self.published.entry(address).or_default();
        let of_block = published
            .iter_mut()
            .rev()
            .take_while(|other| other.began == began);
        let mut same = of_block.filter(|other| other.thread == thread);
        match same.next() {
            Some(before) => *before = publication,
            None => published.push(publication),
        }
    }

    /// Whether a thread has acquired the place at `address`.
    pub(crate) fn has_acquired(&self, thread: u32, address: u64) -> bool {
        self.places(thread)
            .any(|place| (place..place + 8).contains(&address))
    }

    fn places(&self, thread: u32) -> impl Iterator<Item = u64> {
        let own = &self.acquired[thread as usize];
        self.common.iter().chain(own).copied()
    }

    /// Whether a thread has acquired what a record of an earlier block says, which was made at
    /// `address` by a block that began then.
    pub(crate) fn is_acquired(
        &self,
        record: Record,
        began: u32,
        thread: u32,
        address: u64,
    ) -> bool {
        // The operations on the place itself are what was synchronised with.
        if record.is_strong() && self.has_acquired(thread, address) {
            return true;
        }
        self.places(thread).any(|place| {
            let all = self.published.get(&place).map_or(&[][..], Vec::as_slice);
            let first = all.partition_point(|other| other.began < began);
            let mut of_block = all[first..].iter().take_while(|other| other.began == began);
            of_block.any(|other| other.covers(record))
        })
    }
}

impl Publication {
    fn covers(&self, record: Record) -> bool {
        let (time, thread) = (record.time(), record.thread());
        if time < self.fence.block {
            return true;
        }
        let collected = self
            .collected
            .as_ref()
            .and_then(|all| all.get(thread as usize));
        !record.is_many()
            && (thread == self.thread && time < self.fence.own
                || collected.is_some_and(|own| time < *own))
    }
}

/// Adds what is not there yet.
fn add(all: &mut Vec<u64>, more: &[u64]) {
    for place in more {
        if !all.contains(place) {
            all.push(*place);
        }
    }
}
