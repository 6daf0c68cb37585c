//! A run with the shapes of the run before allocates nothing, and costs little more than its
//! kernels.
#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, clippy::panic, dead_code)]

#[path = "suite/kernels.rs"]
mod kernels;
#[path = "suite/sets.rs"]
mod sets;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use eyas_runtime::Session;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_run_with_known_shapes_allocates_nothing() {
    let x = sets::floats(&[1, 4], &[1.0, 2.0, 3.0, 4.0]);
    let adder = sets::set(sets::adder(1));
    let looped = sets::set(sets::looped(6));
    let total = sets::set(sets::accumulator());
    let h = sets::floats(&[4], &[0.0; 4]);
    let pair = sets::floats(&[2], &[1.0; 2]);
    let stack = sets::floats(&[6, 4], &[0.0; 24]);
    let cases = [
        (&adder, vec![&x, &x], vec![x.clone(), x.clone()]),
        (&looped, vec![&h], vec![h.clone(), stack]),
        (&total, vec![&pair], vec![pair.clone()]),
    ];
    for (set, inputs, mut outputs) in cases {
        let mut session = Session::new(set).unwrap();
        session.run_into(&inputs, &mut outputs).unwrap();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let start = Instant::now();
        for _ in 0..1000 {
            session.run_into(&inputs, &mut outputs).unwrap();
        }
        let each = start.elapsed() / 1000;
        assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before);
        println!("{each:?} a run");
    }
}
