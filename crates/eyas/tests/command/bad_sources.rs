//! Sources that are wrong: each a diagnostic with a place, a code and exit 1.

use crate::place::Place;

/// A wrong source, the code, and what the diagnostic says.
type Case = (&'static str, &'static str, &'static [&'static str]);

fn check(cases: &[Case]) {
    let place = Place::new();
    for (source, code, texts) in cases {
        place.file("m.eyas", source);
        let ended = place.fails("check m.eyas", code, texts);
        assert!(
            ended.errors.contains("m.eyas:"),
            "no place in\n{}",
            ended.errors
        );
    }
}

#[test]
fn slips_of_syntax() {
    check(&[
        (
            "model M(x: f32[4]) -> (y: f32[4]) {\n  let y = x\n  return y\n}\n",
            "E0029",
            &[],
        ),
        (
            "model M(x: f32[4]) -> (y: f32[4]) {\n  return x ** 2\n}\n",
            "E0011",
            &[],
        ),
        (
            "model M(x: f32[4]) -> (y: f32[4]) {\n  return relu(x\n}\n",
            "E0002",
            &[],
        ),
        (
            "model M(x: f32[4) -> (y: f32[4]) {\n  return x\n}\n",
            "E0002",
            &[],
        ),
        ("def f(x):\n  return x\n", "E0017", &[]),
        (
            "model M(x: f33[4]) -> (y: f32[4]) {\n  return x\n}\n",
            "E0016",
            &["f32"],
        ),
        (
            "model M(x: f32[4]) -> (y: f32[4]) {\n  y = \n  return y\n}\n",
            "E0022",
            &[],
        ),
        (
            "model M(x: f32[4]) : f32[4] {\n  return x\n}\n",
            "E0014",
            &[],
        ),
        (
            "model M(x: f32[4]) -> (y: f32[4]) {\n  return x && x\n}\n",
            "E0010",
            &[],
        ),
        (
            "model M(x: f32[4]) -> (y: f32[4]) {\n  return x § 2\n}\n",
            "E0006",
            &[],
        ),
    ]);
}

#[test]
fn names_shapes_and_labels() {
    check(&[
        (
            "model M(x: f32[4]) -> (y: f32[4]) {\n  return reluu(x)\n}\n",
            "E0101",
            &["`reluu`", "`relu`"],
        ),
        (
            "dim A, B\nmodel M(x: f32[A, 8],\n        z: f32[B, 8]) -> (y: f32[A, 8]) {\n  return x + z\n}\n",
            "E0102",
            &["`A`", "`B`", " 2 |", " 3 |"],
        ),
        (
            "model M(x: f32[6, 10]) -> (y: f32[6, 3, 3]) {\n  return rearrange[b (h d) -> b h d](x, h = 3)\n}\n",
            "E0106",
            &["10", "3"],
        ),
        (
            "model M(x: f32[2, 4]) -> (y: f32[2, 4]) {\n  return x |> fc: Linear(4)\n           |> fc: Linear(4)\n}\n",
            "E0104",
            &["`fc`"],
        ),
        (
            "layer A(x: f32[4]) -> f32[4] {\n  return x |> b: B()\n}\nlayer B(x: f32[4]) -> f32[4] {\n  return x |> a: A()\n}\nmodel M(x: f32[4]) -> (y: f32[4]) {\n  return x |> a: A()\n}\n",
            "E0105",
            &["`A`", "`B`"],
        ),
        (
            "model M(x: f32[4]) -> (y: f32[4]) {\n  return x[9]\n}\n",
            "E0111",
            &["9", "4"],
        ),
    ]);
}

#[test]
fn numbers_that_are_too_large() {
    check(&[
        (
            "dim B\nmodel M(x: f32[B]) -> (y: f32[B * 4611686018427387904 * 4]) {\n  return x\n}\n",
            "E0107",
            &[],
        ),
        (
            "model M(x: f32[1073741824, 1073741824]) -> (y: f32[1073741824, 1073741824]) {\n  return x\n}\n",
            "E0108",
            &[],
        ),
    ]);
}

#[test]
fn nesting_that_is_too_deep() {
    let place = Place::new();
    for depth in [65, 1000, 100_000] {
        let (open, close) = ("(".repeat(depth), ")".repeat(depth));
        let source = format!("model M(x: f32[4]) -> (y: f32[4]) {{\n  return {open}x{close}\n}}\n");
        place.file("m.eyas", source);
        place.fails("check m.eyas", "E0007", &["64"]);
    }
}

#[test]
fn several_errors_in_one_run() {
    let place = Place::new();
    place.file(
        "m.eyas",
        "model M(x: f32[4]) -> (y: f32[4]) {\n  a = reluu(x)\n  b = tanhh(x)\n  return a + b + cc\n}\nmodel N(x: f32[4]) -> (y: f32[5]) {\n  return x\n}\n",
    );
    let ended = place.fails("check m.eyas", "E0101", &["`reluu`", "`tanhh`", "`cc`"]);
    assert!(
        ended.errors.matches("error[").count() >= 4,
        "{}",
        ended.errors
    );
}

#[test]
fn files_that_cannot_be_read() {
    let place = Place::new();
    place.fails("check nothing.eyas", "E0601", &["nothing.eyas"]);
    place.file("latin.eyas", b"dim B # caf\xe9\n");
    place.fails("check latin.eyas", "E0604", &["line 1"]);
    place.fails("check .", "E0601", &[]);
}

#[test]
fn a_file_without_a_model_makes_no_kernel_set() {
    let place = Place::new();
    place.file("m.eyas", "const width = 4\n");
    place.succeeds("check m.eyas");
    place.fails("compile m.eyas", "E0612", &["m.eyas"]);
    assert!(!place.path("m.kset").exists());
}

#[test]
fn diagnostics_come_as_json_too() {
    let place = Place::new();
    place.file(
        "m.eyas",
        "model M(x: f32[4]) -> (y: f32[4]) {\n  return reluu(x)\n}\n",
    );
    let ended = place.run("check m.eyas --message-format json");
    assert_eq!(ended.code, Some(1));
    let line: serde_json::Value = serde_json::from_str(ended.errors.trim()).unwrap();
    assert_eq!(line["code"], "E0101");
    assert_eq!(line["spans"][0]["line"], 2);
}
