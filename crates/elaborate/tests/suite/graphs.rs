use eyas_elaborate::{MetricKind, Options, Setting};
use eyas_ir::TextOptions;

use crate::support::{graph, program, program_with, sound};

const MNIST: &str = include_str!("../programs/mnist.eyas");
const ENCODER: &str = include_str!("../programs/encoder.eyas");
const WIDE: &str = include_str!("../programs/wide.eyas");
const LENET: &str = include_str!("../programs/lenet.eyas");

#[test]
fn mnist() {
    insta::assert_snapshot!(graph(MNIST));
}

#[test]
fn encoder_keeps_its_loop_rolled() {
    insta::assert_snapshot!(graph(ENCODER));
}

#[test]
fn encoder_has_origins() {
    let program = sound(ENCODER);
    let text = program
        .elaborated
        .module
        .to_text(TextOptions { origins: true });
    assert!(text.contains("block[i].attn.qkv"), "{text}");
}

#[test]
fn lenet_says_what_is_not_there_yet() {
    insta::assert_snapshot!(program(LENET).rendered);
}

#[test]
fn mnist_train_block() {
    let program = sound(MNIST);
    let train = &program.elaborated.trains[0];
    assert_eq!(train.model, "Mnist");
    assert_eq!(train.batch, Some(128));
    assert_eq!(train.metrics[0].kind, MetricKind::Accuracy);
    assert_eq!(train.metrics[0].inputs, ["image"]);
    assert_eq!(train.metrics[0].target, "label");
    let source = &train.data[0].source;
    assert_eq!(source.named["scale"], Setting::Float(1.0 / 255.0));
    let types: Vec<String> = train.data[0]
        .names
        .iter()
        .map(|(name, ty)| format!("{name}: {}", ty.as_ref().unwrap()))
        .collect();
    assert_eq!(types, ["image: f32[B, 784]", "label: i32[B]"]);
    let loss = train.loss.as_ref().unwrap();
    insta::assert_snapshot!(loss.to_text(TextOptions::default()));
}

#[test]
fn modules_read_back_from_their_text() {
    for text in [MNIST, ENCODER, WIDE] {
        let module = sound(text).elaborated.module;
        let printed = module.to_text(TextOptions::default());
        let read = eyas_ir::Module::from_text(&printed).unwrap();
        assert_eq!(read.to_text(TextOptions::default()), printed);
    }
}

#[test]
fn bound_dims_are_constants() {
    let mut options = Options::default();
    options.bind.insert("B".into(), 32);
    let program = program_with(MNIST, &options, &[]);
    let text = program.elaborated.module.to_text(TextOptions::default());
    assert!(text.contains("input image : f32[32, 784]"), "{text}");
    assert!(program.elaborated.module.symbols.is_empty());
}
