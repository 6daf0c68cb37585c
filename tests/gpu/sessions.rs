use eyas::{RuntimeError, Session, Tensor};

use crate::machine::{compiled, floats, gpu};

const TEXT: &str = "dim B\nmodel M(x: f32[B, 64]) -> (y: f32[B, 32]) {\n  return x |> fc1: Linear(48) |> relu |> fc2: Linear(32) |> softmax(-1)\n}\n";

fn batches(sizes: &[usize]) -> Vec<Tensor> {
    let batches = sizes.iter().enumerate();
    batches
        .map(|(number, &size)| floats(&[size, 64], number as u64))
        .collect()
}

fn one_by_one(session: &mut Session, batches: &[Tensor]) -> Vec<Vec<u8>> {
    let outputs = batches.iter().map(|batch| {
        let outputs = session.run_ordered(&[batch]).unwrap();
        outputs.at(0).unwrap().bytes().to_vec()
    });
    outputs.collect()
}

#[test]
fn batches_that_overlap_give_what_they_give_one_by_one() {
    let Some(gpu) = gpu() else { return };
    let set = compiled(TEXT);
    let large = [
        50_000, 50_000, 50_000, 1, 7, 100_000, 50_000, 50_000, 0, 3, 3, 3,
    ];
    let small = [50, 50, 50, 1, 7, 60, 50, 50, 0, 3, 3, 3];
    let batches = batches(&gpu.size(large, small));
    let expected = one_by_one(&mut gpu.session(&set), &batches);
    let mut session = gpu.session(&set);
    for _ in 0..gpu.size(5, 1) {
        let mut found = Vec::new();
        let given = batches
            .iter()
            .map(|batch| Ok::<_, Box<RuntimeError>>(vec![batch.clone()]));
        session
            .run_each(given, |outputs| {
                found.push(outputs.at(0).unwrap().bytes().to_vec());
                Ok(())
            })
            .unwrap();
        assert!(found == expected);
    }
}

#[test]
fn sessions_on_eight_threads_give_equal_bits() {
    let Some(gpu) = gpu() else { return };
    let set = compiled(TEXT);
    let batches = batches(&gpu.size([1000, 3, 1000, 20_000], [10, 3, 10, 20]));
    let expected = one_by_one(&mut gpu.session(&set), &batches);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(one_by_one(&mut gpu.session(&set), &batches) == expected));
        }
    });
}

#[test]
fn a_graph_is_replayed_for_every_shape_that_comes_back() {
    let Some(gpu) = gpu() else { return };
    let set = compiled(TEXT);
    // More shapes than a session keeps.
    let sizes: Vec<usize> = (0..30).map(|number| number * number * 7 % 23 + 1).collect();
    let batches = batches(&sizes);
    let mut session = gpu.session(&set);
    let first = one_by_one(&mut session, &batches);
    for _ in 0..gpu.size(20, 1) {
        assert!(one_by_one(&mut session, &batches) == first);
    }
}

#[test]
fn runs_are_timed() {
    let Some(gpu) = gpu() else { return };
    let mut session = gpu.session(&compiled(TEXT));
    let x = floats(&[gpu.size(10_000, 10), 64], 1);
    let expected = session.run_ordered(&[&x]).unwrap();
    let (outputs, times) = session.time(&[&x], 5).unwrap();
    assert_eq!(outputs.at(0), expected.at(0));
    assert_eq!(times.len(), 5);
    assert!(
        times.iter().all(|time| time.as_secs_f64() < 10.0),
        "{times:?}"
    );
}
