use eyas_schedule::{Options, Program, schedule};

use crate::models::{ENCODER, PERCEPTRON, module};

fn program(text: &str) -> Program {
    let options = Options {
        panel_width: Some(16),
        ..Options::default()
    };
    schedule(&module(text), &options).unwrap()
}

#[test]
fn a_perceptron_is_three_kernels() {
    insta::assert_snapshot!(program(PERCEPTRON).to_text());
}

#[test]
fn an_encoder_block_is_nine_kernels() {
    insta::assert_snapshot!(program(ENCODER).to_text());
}

#[test]
fn a_program_is_the_same_every_time_and_reads_back_from_json() {
    let program = program(ENCODER);
    let text = serde_json::to_string(&program).unwrap();
    assert_eq!(
        text,
        serde_json::to_string(&self::program(ENCODER)).unwrap()
    );
    assert_eq!(serde_json::from_str::<Program>(&text).unwrap(), program);
}
