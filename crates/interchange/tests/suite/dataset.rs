use std::path::Path;

use eyas_interchange::{Batch, Dataset, InterchangeError};
use eyas_tensor::{DType, Number, Tensor};

use crate::shared::{example, ramp};

fn small() -> Dataset {
    let (items, labels) = (ramp(DType::U8, &[5, 2, 2]), ramp(DType::U8, &[5]));
    Dataset::new(items, labels, 0.5, Path::new("data")).unwrap()
}

#[test]
fn batches_cover_everything_once_in_order() {
    let data = small();
    assert_eq!((data.len(), data.item_shape()), (5, &[2, 2][..]));
    let batches: Vec<Batch> = data.batches(2, &[4]).map(Result::unwrap).collect();
    let shapes: Vec<&[usize]> = batches.iter().map(|batch| batch.items.shape()).collect();
    assert_eq!(shapes, [&[2, 4], &[2, 4], &[1, 4]]);
    let items: Vec<f32> = batches
        .iter()
        .flat_map(|batch| batch.items.as_f32().unwrap().to_vec())
        .collect();
    let expected: Vec<f32> = (0..20).map(|i| (i % 7) as f32 * 0.5).collect();
    assert_eq!(items, expected);
    assert_eq!(batches[2].labels.numbers(), [Number::Int(4)]);
    assert_eq!(batches[0].labels.dtype(), DType::I64);
    assert_eq!(data.batches(0, &[4]).count(), 5);
}

#[test]
fn items_of_other_types_are_scaled_too() {
    let items = Tensor::from_f32(&[2, 1], &[3.0, -1.5]).unwrap();
    let data = Dataset::new(items, ramp(DType::I32, &[2]), 2.0, Path::new("x")).unwrap();
    assert_eq!(
        data.batch(1..2, &[]).unwrap().items.as_f32().unwrap(),
        [-3.0]
    );
}

#[test]
fn what_does_not_fit_is_said() {
    let data = small();
    for (range, extents, expected) in [
        (0..2, &[5][..], "[2, 2], which do not reshape to [5]"),
        (4..6, &[4], "no items 4 to 6, for there are 5"),
        (0..1, &[usize::MAX, 2], "do not reshape"),
    ] {
        let error = data.batch(range, extents).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    for (items, labels, expected) in [
        (&[2, 3][..], &[3][..], "2 items, but 3 labels"),
        (&[2, 3], &[2, 1], "labels have 2 axes"),
        (&[], &[0], "no first axis"),
    ] {
        let (items, labels) = (ramp(DType::U8, items), ramp(DType::U8, labels));
        let error = Dataset::new(items, labels, 1.0, Path::new("x")).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let floats = ramp(DType::F32, &[2]);
    assert!(Dataset::new(floats.clone(), floats, 1.0, Path::new("x")).is_err());
}

#[test]
fn digits_are_found_by_their_prefix() {
    let folder = example("");
    let data = Dataset::open_idx(&folder, "t10k", 1.0 / 255.0).unwrap();
    assert_eq!((data.len(), data.item_shape()), (10_000, &[28, 28][..]));
    let batch = data.batch(9_990..10_000, &[784]).unwrap();
    let pixels = batch.items.as_f32().unwrap();
    assert!(pixels.iter().all(|x| (0.0..=1.0).contains(x)));
    assert!(pixels.contains(&1.0));
    let error = Dataset::open_idx(&folder, "t20k", 1.0).unwrap_err();
    assert!(matches!(error, InterchangeError::Missing { .. }), "{error}");
    assert!(error.to_string().contains("t20k-images-idx3-ubyte.gz"));
}
