use eyas_ir::{Composite, Constant, Op};
use eyas_reference::EvaluateError;
use eyas_tensor::{DType, Number, Tensor};

use crate::single::{apply, apply_wide, floats, integers, values};

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() <= 1e-12 * (1.0 + b.abs()),
            "{found:?} is not {expected:?}"
        );
    }
}

fn f64s(shape: &[usize], values: &[f64]) -> Tensor {
    floats(DType::F64, shape, values)
}

#[test]
fn activations_follow_their_formulas() {
    let x = [f64s(&[3], &[-1.0, 0.0, 2.0])];
    let call = |composite| apply(Op::composite(composite), &x);
    assert_eq!(call(Composite::Relu), [0.0, 0.0, 2.0]);
    close(
        &call(Composite::Sigmoid),
        &[0.268_941_421_369_995_1, 0.5, 0.880_797_077_977_882_4],
    );
    close(
        &call(Composite::Silu),
        &[-0.268_941_421_369_995_1, 0.0, 1.761_594_155_955_765],
    );
    close(
        &call(Composite::Gelu),
        &[-0.158_655_253_931_457_05, 0.0, 1.954_499_736_103_641_6],
    );
    let nan = [f64s(&[1], &[f64::NAN])];
    assert!(apply(Op::composite(Composite::Relu), &nan)[0].is_nan());
    let integers = [integers(DType::I16, &[2], &[-3, 4])];
    assert_eq!(apply(Op::composite(Composite::Relu), &integers), [0.0, 4.0]);
}

#[test]
fn softmax_of_large_values_stays_finite() {
    let x = [f64s(&[2, 2], &[1e4, 1e4, -1e4, 0.0])];
    let softmax = |axis| apply(Op::composite(Composite::Softmax { axis }), &x);
    close(&softmax(1), &[0.5, 0.5, 0.0, 1.0]);
    close(&softmax(0), &[1.0, 1.0, 0.0, 0.0]);
    let logarithms = apply(Op::composite(Composite::LogSoftmax { axis: 1 }), &x);
    let half = -std::f64::consts::LN_2;
    close(&logarithms, &[half, half, -1e4, 0.0]);
}

#[test]
fn a_mean_divides_by_all_elements() {
    let x = [f64s(&[2, 2], &[1.0, 2.0, 3.0, 6.0])];
    let mean = |axes: &[usize]| {
        apply(
            Op::composite(Composite::Mean {
                axes: axes.to_vec(),
            }),
            &x,
        )
    };
    assert_eq!(mean(&[0, 1]), [3.0]);
    assert_eq!(mean(&[1]), [1.5, 4.5]);
    assert_eq!(mean(&[]), [1.0, 2.0, 3.0, 6.0]);
}

#[test]
fn norms_scale_and_shift_the_last_axis() {
    let x = f64s(&[2, 2], &[1.0, 3.0, 5.0, 5.0]);
    let (scale, bias) = (f64s(&[2], &[2.0, 3.0]), f64s(&[2], &[10.0, 20.0]));
    let epsilon = Constant::scalar(DType::F64, Number::Float(3.0));
    let layer = Op::composite(Composite::LayerNorm {
        epsilon: epsilon.clone(),
    });
    let found = apply(layer, &[x.clone(), scale.clone(), bias]);
    close(&found, &[9.0, 21.5, 10.0, 20.0]);
    let root = Op::composite(Composite::RmsNorm { epsilon });
    let found = apply(root, &[x, scale]);
    let (first, second) = (8f64.sqrt(), 28f64.sqrt());
    close(
        &found,
        &[2.0 / first, 9.0 / first, 10.0 / second, 15.0 / second],
    );
}

#[test]
fn losses_pick_the_class_of_the_label() {
    let logits = f64s(&[2, 3], &[1000.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let labels = integers(DType::I64, &[2], &[1, 2]);
    let found = apply(
        Op::composite(Composite::CrossEntropy),
        &[logits.clone(), labels.clone()],
    );
    close(&found, &[1000.0, 3f64.ln()]);
    let probabilities = f64s(&[2, 3], &[0.25, 0.5, 0.25, 0.5, 0.25, 0.25]);
    let found = apply(
        Op::composite(Composite::NegativeLogLikelihood),
        &[probabilities, labels],
    );
    close(&found, &[2f64.ln(), 4f64.ln()]);
    let wrong = integers(DType::I64, &[2], &[0, 3]);
    let error = values(Op::composite(Composite::CrossEntropy), &[logits, wrong]).unwrap_err();
    assert!(matches!(
        error.cause(),
        EvaluateError::IndexOutOfRange {
            index: 3,
            extent: 3,
            ..
        }
    ));
}

#[test]
fn composites_round_once_or_not_at_all() {
    let x = [floats(DType::F16, &[3], &[1.0, 2.0, 3.0])];
    let softmax = || Op::composite(Composite::Softmax { axis: 0 });
    let wide = apply_wide(softmax(), &x);
    close(&[wide.iter().sum()], &[1.0]);
    let rounded = wide
        .iter()
        .map(|&x| DType::F16.round(Number::Float(x)).to_f64());
    assert_eq!(apply(softmax(), &x), rounded.collect::<Vec<_>>());
}
