//! Models on GPUs and in the PTX interpreter. Where these tests run there may be a GPU or none.

use eyas::{DType, Device};

use crate::place::Place;

const MODEL: &str = "\
dim B
model M(ids: i32[B]) -> (y: f32[B, 4]) {
  param table: f32[10, 4] = normal(0, 1)
  return table[ids] |> relu
}
";

fn place() -> Place {
    let place = Place::new();
    place.file("m.eyas", MODEL);
    place.integers("ids.npy", DType::I32, &[9, 0, 3]);
    place
}

#[test]
fn a_model_prints_the_same_in_the_interpreter_as_on_the_processor() {
    let place = place();
    let run = |how: &str| {
        let line = format!("run m.eyas -i ids=ids.npy --print {how}");
        place.succeeds(&line).output
    };
    let expected = run("");
    assert!(expected.contains("y: f32[3, 4]"), "{expected}");
    assert_eq!(run("--interpret"), expected);
    assert_eq!(
        run("--target cuda --interpret --cuda-arch sm_90a"),
        expected
    );
    assert_eq!(run("--interpret --specialize B=3"), expected);
    assert_eq!(run("--interpret --bind B=3"), expected);
}

#[test]
fn one_kernel_set_serves_processors_and_gpus() {
    let place = place();
    place.succeeds("compile m.eyas --target cpu,cuda --cuda-arch sm_80,sm_90a -o both.kset");
    let inspected = place.succeeds("inspect both.kset").output;
    for text in [
        "code for sm_80",
        "code for sm_90a",
        "runs on a GPU",
        "runs here",
    ] {
        assert!(inspected.contains(text), "no `{text}` in\n{inspected}");
    }
    let on_cpu = place
        .succeeds("run both.kset -i ids=ids.npy --print")
        .output;
    let interpreted = place.succeeds("run both.kset -i ids=ids.npy --print --interpret");
    assert_eq!(interpreted.output, on_cpu);
}

#[test]
fn an_index_out_of_range_stops_the_interpreter_too() {
    let place = place();
    for index in [10, -1, i128::from(i32::MIN)] {
        place.integers("ids.npy", DType::I32, &[0, index, 1]);
        let texts = [&*index.to_string(), "`table`", "10"];
        place.fails("run m.eyas -i ids=ids.npy --interpret", "E0407", &texts);
    }
}

#[test]
fn what_a_kernel_set_has_no_code_for_is_said() {
    let place = place();
    place.succeeds("compile m.eyas --target cuda -o gpu.kset");
    place.fails(
        "run gpu.kset --target cpu -i ids=ids.npy",
        "E0503",
        &["sm_80", "--target cpu,cuda"],
    );
    place.succeeds("compile m.eyas -o cpu.kset");
    let texts = ["no code", "--target cpu,cuda"];
    place.fails("run cpu.kset -i ids=ids.npy --interpret", "E0508", &texts);
    place.succeeds("run gpu.kset -i ids=ids.npy --interpret");
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_with_a_way_out() {
    let place = place();
    let (line, texts) = match Device::list() {
        Ok(devices) => (
            format!(
                "run m.eyas --target cuda --device {} -i ids=ids.npy",
                devices.len()
            ),
            vec!["there is no CUDA device", "eyas targets"],
        ),
        Err(_) => (
            "run m.eyas --target cuda -i ids=ids.npy".to_owned(),
            vec!["CUDA driver", "--interpret"],
        ),
    };
    place.fails(&line, "E0508", &texts);
}

#[test]
fn targets_lists_processors_gpus_and_the_interpreter() {
    let place = place();
    let text = place.succeeds("targets").output;
    for part in ["cpu: ", "cuda: ", "ptx interpreter"] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    let json = place.succeeds("targets --format json").output;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["cuda"]["devices"].is_array(), "{json}");
}

#[test]
fn gpu_code_is_shown_as_text() {
    let place = place();
    let text = place.succeeds("dump m.eyas --stage ptx").output;
    for part in [
        ".version 8.0",
        ".target sm_80",
        "// source m.eyas:4:",
        ".visible .entry",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    let both = "dump m.eyas --stage ptx --target cuda --cuda-arch sm_80,sm_90a";
    let text = place.succeeds(both).output;
    assert!(text.contains(".target sm_90a"), "{text}");
}
