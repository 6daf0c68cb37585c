use std::collections::BTreeMap;
use std::sync::Arc;

use eyas_runtime::{KernelSet, RuntimeError, Session, ValueOrigin};
use eyas_tensor::{DType, Tensor};

use crate::sets::{accumulator, derived, floats, set, weights};

fn run(set: &Arc<KernelSet>) -> Vec<f32> {
    let x = floats(&[4], &[0.5; 4]);
    let outputs = Session::new(set).unwrap().run(&[("x", &x)]).unwrap();
    outputs.get("y").unwrap().as_f32().unwrap().to_vec()
}

#[test]
fn binding_weights_computes_what_is_derived_from_them() {
    let empty = KernelSet::new(derived(false)).unwrap();
    let bound = Arc::new(empty.bind(weights(1.0)).unwrap());
    assert_eq!(bound.value("packed.1"), Some(floats(&[4], &[4.0; 4])));
    assert_eq!(run(&bound), [6.5; 4]);
    // Through a file, and bound again without the compiler.
    let read = KernelSet::from_bytes(&bound.to_bytes().unwrap()).unwrap();
    assert_eq!(run(&Arc::new(read.clone())), [6.5; 4]);
    let other = Arc::new(read.bind(weights(10.0)).unwrap());
    assert_eq!(run(&other), [42.5; 4]);
    assert_eq!(run(&bound), [6.5; 4]);
    // Those that are not given keep their values.
    let mut one = weights(0.0);
    one.remove("w.1");
    assert_eq!(run(&Arc::new(read.bind(one).unwrap())), [4.5; 4]);
}

#[test]
fn all_faults_of_weights_are_told_at_once() {
    let empty = KernelSet::new(derived(false)).unwrap();
    let given = BTreeMap::from([
        ("w.0".to_owned(), floats(&[2, 2], &[0.0; 4])),
        ("v".to_owned(), floats(&[1], &[0.0])),
    ]);
    let error = empty.bind(given).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the weights do not fit: `w.0` has shape [2, 2], but is declared `f32[4]`; \
         `w.1` (`f32[4]`) is missing; there is no parameter `v`"
    );
    let mut given = weights(1.0);
    given.insert("w.0".to_owned(), Tensor::zeros(DType::F64, &[4]).unwrap());
    let message = empty.bind(given).unwrap_err().to_string();
    assert!(
        message.contains("`w.0` is f64, but is declared f32"),
        "{message}"
    );
    assert!(matches!(
        Session::new(&Arc::new(empty)),
        Err(RuntimeError::MissingValues(paths)) if paths == ["w.0", "w.1"]
    ));
}

#[test]
fn a_frozen_parameter_keeps_its_value() {
    let mut parts = derived(true);
    parts.provenance.frozen = vec!["w.1".to_owned()];
    let set = KernelSet::new(parts).unwrap();
    let mut given = weights(1.0);
    given.insert("w.1".to_owned(), set.value("w.1").unwrap());
    assert!(set.bind(given).is_ok());
    let message = set.bind(weights(1.0)).unwrap_err().to_string();
    assert!(message.contains("`w.1` is frozen"), "{message}");
}

#[test]
fn a_value_of_the_wrong_type_is_not_taken_into_a_set() {
    let mut parts = derived(true);
    if let Some(part) = parts.parameters.get_mut("w.0") {
        part.value = Some(floats(&[5], &[0.0; 5]));
    }
    assert!(matches!(
        KernelSet::new(parts),
        Err(RuntimeError::Weights(_))
    ));
}

#[test]
fn a_state_begins_with_the_value_that_was_bound() {
    let set = set(accumulator());
    let given = BTreeMap::from([("total".to_owned(), floats(&[2], &[7.0, 8.0]))]);
    let bound = Arc::new(set.bind(given).unwrap());
    let mut session = Session::new(&bound).unwrap();
    let outputs = session.run(&[("x", &floats(&[2], &[0.0; 2]))]).unwrap();
    assert_eq!(outputs.get("before"), Some(&floats(&[2], &[7.0, 8.0])));
    let parameters: Vec<_> = bound.describe().parameters;
    assert_eq!(parameters[0].origin, Some(ValueOrigin::Given));
}
