use std::sync::Arc;

use eyas_runtime::{Outputs, Pool, RuntimeError, Session, SessionOptions};
use eyas_tensor::{DType, Number, Tensor};

use crate::sets::{adder, copier, floats, lookup, looped, set};

/// What makes every launch worth all threads.
const DEAR: i64 = 1 << 30;

fn options(pool: &Arc<Pool>) -> SessionOptions {
    SessionOptions {
        pool: Some(pool.clone()),
        poison: true,
        ..SessionOptions::default()
    }
}

fn input(rows: usize) -> Tensor {
    let values: Vec<f32> = (0..4 * rows).map(|n| (n as f32).sin()).collect();
    floats(&[rows, 4], &values)
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let (adder, copier) = (set(adder(DEAR)), set(copier(DEAR)));
    let alone = |set, inputs: &[&Tensor]| Session::new(set).unwrap().run_ordered(inputs).unwrap();
    for threads in [1, 2, 3, 8] {
        let pool = Arc::new(Pool::new(threads).unwrap());
        let mut session = Session::with_options(&adder, options(&pool)).unwrap();
        let mut copying = Session::with_options(&copier, options(&pool)).unwrap();
        for rows in [0, 1, 2, 5, 100, 1000] {
            let x = input(rows);
            let outputs = session.run_ordered(&[&x, &x]).unwrap();
            assert_eq!(outputs, alone(&adder, &[&x, &x]));
            let flat = x.reshaped(&[4 * rows]).unwrap();
            let copied = copying.run_ordered(&[&flat]).unwrap();
            assert_eq!(copied.at(0), Some(&flat));
        }
    }
}

#[test]
fn the_first_index_out_of_range_is_the_one_that_is_named() {
    let set = set(lookup(DEAR));
    let table = floats(&[4], &[0.0; 4]);
    let mut index = Tensor::zeros(DType::I64, &[1000]).unwrap();
    for place in [333, 334, 700, 999] {
        index.set(place, Number::Int(place as i128));
    }
    for threads in [1, 2, 4] {
        let pool = Arc::new(Pool::new(threads).unwrap());
        let mut session = Session::with_options(&set, options(&pool)).unwrap();
        for _ in 0..20 {
            let error = session.run_ordered(&[&table, &index]).unwrap_err();
            let RuntimeError::IndexOutOfRange { index, .. } = error else {
                panic!("{error}");
            };
            assert_eq!(index, 333);
        }
    }
}

#[test]
fn eight_sessions_on_one_set_give_equal_bits() {
    let (adder, looped) = (set(adder(DEAR)), set(looped(5)));
    let pool = Arc::new(Pool::new(3).unwrap());
    let x = input(50);
    let h = floats(&[4], &[0.1, 0.2, 0.3, 0.4]);
    let run = |shared: bool| -> Vec<Outputs> {
        let options = || {
            if shared {
                options(&pool)
            } else {
                SessionOptions::default()
            }
        };
        let mut first = Session::with_options(&adder, options()).unwrap();
        let mut second = Session::with_options(&looped, options()).unwrap();
        let runs = (0..50).flat_map(|_| {
            let first = first.run_ordered(&[&x, &x]).unwrap();
            [first, second.run_ordered(&[&h]).unwrap()]
        });
        runs.collect()
    };
    let expected = run(false);
    std::thread::scope(|scope| {
        let sessions: Vec<_> = (0..8).map(|_| scope.spawn(|| run(true))).collect();
        for session in sessions {
            assert_eq!(session.join().unwrap(), expected);
        }
    });
}
