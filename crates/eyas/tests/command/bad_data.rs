//! Inputs and weights that do not fit: each a diagnostic with a code and exit 1.

use eyas::DType;

use crate::place::Place;

const MODEL: &str = "dim B
model M(x: f32[B, 8], ids: i32[B]) -> (y: f32[B, 4]) {
  param table: f32[10, 8] = normal(0, 1)
  return x + table[ids] |> fc: Linear(4)
}
";

fn place() -> Place {
    let place = Place::new();
    place.file("m.eyas", MODEL);
    place.zeros("x.npy", DType::F32, &[3, 8]);
    place.integers("ids.npy", DType::I32, &[0, 5, 9]);
    place
}

#[test]
fn inputs_of_the_wrong_type_rank_or_extent() {
    let place = place();
    place.succeeds("run m.eyas -i x=x.npy -i ids=ids.npy");
    place.zeros("f64.npy", DType::F64, &[3, 8]);
    place.zeros("flat.npy", DType::F32, &[24]);
    place.zeros("wide.npy", DType::F32, &[3, 9]);
    place.zeros("long.npy", DType::F32, &[4, 8]);
    let run = |x: &str| format!("run m.eyas -i x={x}.npy -i ids=ids.npy");
    place.fails(&run("f64"), "E0403", &["f64", "f32", "m.eyas:2"]);
    place.fails(&run("flat"), "E0404", &["`x`", "m.eyas:2"]);
    place.fails(&run("wide"), "E0405", &["9", "8", "m.eyas:2"]);
    place.fails(&run("long"), "E0405", &["`B`", "4", "3", "m.eyas:2"]);
    place.fails("run m.eyas -i x=x.npy", "E0401", &["`ids`"]);
    place.fails("run m.eyas -i y=x.npy -i ids=ids.npy", "E0402", &["`y`"]);
    place.fails(&format!("{} -o z=z.npy", run("x")), "E0408", &["`z`", "y"]);
}

#[test]
fn an_index_out_of_range_stops_the_run() {
    let place = place();
    for index in [10, -1, i128::from(i32::MIN)] {
        place.integers("ids.npy", DType::I32, &[0, index, 1]);
        let texts = [&*index.to_string(), "`table`", "10"];
        place.fails("run m.eyas -i x=x.npy -i ids=ids.npy", "E0407", &texts);
    }
}

#[test]
fn facts_are_checked_when_dims_are_bound() {
    let place = Place::new();
    place.file(
        "m.eyas",
        "dim S where S <= 4\nmodel M(x: f32[S]) -> (y: f32[S]) {\n  return relu(x)\n}\n",
    );
    place.zeros("x.npy", DType::F32, &[5]);
    place.fails("run m.eyas -i x=x.npy", "E0406", &["S <= 4"]);
    place.zeros("x.npy", DType::F32, &[0]);
    place.succeeds("run m.eyas -i x=x.npy");
}

#[test]
fn what_needs_elements_is_not_run_without() {
    let place = Place::new();
    place.zeros("x.npy", DType::F32, &[3, 0]);
    for (expression, what) in [
        ("max(x, -1)", "maximum"),
        ("min(x, -1, keep = false)", "minimum"),
        ("mean(x, -1)", "mean"),
        ("mean(x)", "mean"),
        ("var(x, -1)", "mean"),
        ("argmax(x, -1)", "greatest"),
        ("argmin(x, -1)", "least"),
        ("reduce[b s -> b](x, max)", "maximum"),
        ("reduce[b s -> b](x, mean)", "mean"),
        ("max(max(x, -1) + mean(x, -1), -1)", "maximum"),
    ] {
        let model = format!(
            "dim B, S\nlayer F(x: f32[B, S]) {{\n  return {expression}\n}}\nmodel M(x: f32[B, S]) -> (y: f32[B, S]) {{\n  return x + cast(sum(F(x)), f32)\n}}\n"
        );
        place.file("m.eyas", model);
        let texts = [what, "at least one element"];
        place.fails("run m.eyas -i x=x.npy", "E0406", &texts);
        place.fails("run m.eyas -i x=x.npy --bind S=0", "E0134", &texts);
    }
    for expression in ["sum(x, -1)", "prod(x, -1)", "softmax(x, -1)"] {
        let model = format!(
            "dim B, S\nmodel M(x: f32[B, S]) -> (y: f32[B, S]) {{\n  return x + {expression}\n}}\n"
        );
        place.file("m.eyas", model);
        place.succeeds("run m.eyas -i x=x.npy");
    }
}

#[test]
fn cut_and_foreign_files() {
    let place = place();
    let whole = std::fs::read(place.path("x.npy")).unwrap();
    for length in [0, 5, 60, whole.len() - 1] {
        place.file("cut.npy", &whole[..length]);
        place.fails(
            "run m.eyas -i x=cut.npy -i ids=ids.npy",
            "E0606",
            &["cut.npy"],
        );
    }
    let weights = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/data/mnist_mlp.safetensors"
    );
    let whole = std::fs::read(weights).unwrap();
    for length in [0, 7, 100, whole.len() - 1] {
        place.file("cut.safetensors", &whole[..length]);
        place.fails(
            "compile m.eyas --weights cut.safetensors",
            "E0606",
            &["cut.safetensors"],
        );
        assert!(!place.path("m.kset").exists());
    }
}

#[test]
fn weights_that_are_missing_unknown_or_misshapen() {
    let place = Place::new();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let line = |map: &str| {
        place.file("map", map);
        format!(
            "compile {examples}/mnist.eyas -o m.kset --weights {examples}/data/mnist_mlp.safetensors --rename map"
        )
    };
    place.succeeds(&line(""));
    let texts = ["`fc1.w`", "`fc3.w`", "missing", "mnist.eyas"];
    place.fails(&line("fc1.w fc3.w"), "E0301", &texts[..3]);
    place.fails(&line("fc1.w fc3.w"), "E0302", &texts[1..2]);
    place.fails(
        &line("fc1.b t\nfc2.b fc1.b\nt fc2.b"),
        "E0303",
        &["`fc1.b`", "`fc2.b`", "[10]", "[128]"],
    );
    place.fails(&line("nothing fc1.w"), "E0606", &["`nothing`", "line 1"]);
}
