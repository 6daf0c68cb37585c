//! Commands that do what they say.

use eyas::DType;

use crate::place::Place;

const MODEL: &str = "dim B
model M(x: f32[B, 8]) -> (y: f32[B, 4]) {
  return x |> fc: Linear(4) |> softmax(-1)
}
";

#[test]
fn a_kernel_set_runs_without_its_source() {
    let place = Place::new();
    place.file("m.eyas", MODEL);
    place.zeros("x.npy", DType::F32, &[3, 8]);
    place.succeeds("compile m.eyas");
    std::fs::remove_file(place.path("m.eyas")).unwrap();
    let ended = place.succeeds("run m.kset -i x=x.npy --print --top 2");
    assert_eq!(
        ended.output,
        "y: f32[3, 4]\n  0: 0.25, 1: 0.25\n  0: 0.25, 1: 0.25\n  0: 0.25, 1: 0.25\n"
    );
    place.succeeds("run m.kset -i x=x.npy -o y=y.npy --repeat 5");
    let tensor = eyas::read_tensor(place.path("y.npy")).unwrap();
    assert_eq!(tensor.as_f32().unwrap(), [0.25; 12]);
    let ended = place.succeeds("inspect m.kset --verify");
    assert!(ended.output.contains("f32[B, 8]"), "{}", ended.output);
}

#[test]
fn every_stage_can_be_dumped_and_the_graphs_read_back() {
    let place = Place::new();
    place.file("m.eyas", MODEL);
    for stage in [
        "ast",
        "graph",
        "canonical",
        "optimized",
        "kernels",
        "plan",
        "clif",
        "asm",
    ] {
        let line = format!("dump m.eyas --stage {stage}");
        let first = place.succeeds(&line).output;
        assert!(!first.is_empty(), "{stage}");
        assert_eq!(place.succeeds(&line).output, first, "{stage}");
        if ["graph", "canonical", "optimized"].contains(&stage) {
            place.file("ir", &first);
            place.succeeds("opt ir --passes canonicalise,optimize --fired");
        }
    }
    for format in ["json", "dot", "svg"] {
        place.succeeds(&format!("dump m.eyas --stage graph --format {format}"));
    }
    place.fails("dump m.eyas --stage plan --format svg", "E0610", &[]);
}

#[test]
fn fmt_is_idempotent_and_keeps_comments() {
    let place = Place::new();
    place.file(
        "m.eyas",
        "dim B #  rows\nmodel M(x:f32[B,4])->(y:f32[B,4]){ # body\n return relu( x )\n}\n",
    );
    place.fails("fmt --check m.eyas", "E0603", &["m.eyas"]);
    place.succeeds("fmt m.eyas");
    let once = std::fs::read_to_string(place.path("m.eyas")).unwrap();
    assert!(
        once.contains("#  rows") && once.contains("# body"),
        "{once}"
    );
    place.succeeds("fmt m.eyas");
    assert_eq!(std::fs::read_to_string(place.path("m.eyas")).unwrap(), once);
    place.succeeds("fmt --check m.eyas");
}

#[test]
fn rules_of_a_file_are_checked_and_used() {
    let place = Place::new();
    place.file(
        "good.eyas",
        "rule double_negation(x: f32[..]) { -(-x) => x }\n",
    );
    place.succeeds("rules check good.eyas");
    place.file(
        "bad.eyas",
        "rule wrong(x: f32[..], y: f32[..]) { x - y => y - x }\n",
    );
    place.fails("rules check bad.eyas", "E0609", &["1 of 1"]);
}

#[test]
fn specialised_and_static_dims_give_the_same_results() {
    let place = Place::new();
    place.file("m.eyas", MODEL);
    place.zeros("x.npy", DType::F32, &[3, 8]);
    let plain = place.succeeds("run m.eyas -i x=x.npy --print").output;
    for options in [
        "--specialize B=3",
        "--bind B=3",
        "--no-wide",
        "--cpu portable",
        "--threads 1",
        "--math fast",
    ] {
        let line = format!("run m.eyas -i x=x.npy --print {options}");
        assert_eq!(place.succeeds(&line).output, plain, "{options}");
    }
    place.fails("run m.eyas -i x=x.npy --bind B=4", "E0405", &[]);
}

#[test]
fn wrong_usage_ends_with_two() {
    let place = Place::new();
    assert_eq!(place.run("compile").code, Some(2));
    assert_eq!(place.run("dump m.eyas --stage nothing").code, Some(2));
    assert_eq!(place.run("run m.eyas --bind B").code, Some(2));
    for command in [
        "check",
        "fmt",
        "compile",
        "run",
        "eval",
        "dump",
        "opt",
        "rules",
        "explain",
        "inspect",
        "targets",
        "completions",
    ] {
        let ended = place.succeeds(&format!("{command} --help"));
        assert!(
            ended.output.contains("Example"),
            "{command}: {}",
            ended.output
        );
    }
    place.succeeds("targets");
    place.succeeds("completions bash");
    place.succeeds("explain E0101");
    place.fails("explain E9999", "E0611", &[]);
}

#[test]
fn one_set_serves_several_instruction_sets_and_takes_the_best() {
    let place = Place::new();
    place.file("m.eyas", MODEL);
    place.zeros("x.npy", DType::F32, &[3, 8]);
    place.succeeds("compile m.eyas --cpu portable,v3,v4 --specialize B=1");
    let plain = place.succeeds("run m.eyas -i x=x.npy --print").output;
    assert_eq!(
        place.succeeds("run m.kset -i x=x.npy --print").output,
        plain
    );
    let inspected = place.succeeds("inspect m.kset").output;
    for isa in ["x86_64 portable", "x86_64 v3", "x86_64 v4"] {
        assert!(inspected.contains(isa), "{inspected}");
    }
}

#[test]
fn a_file_is_used_from_where_the_using_file_is() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("nets/parts")).unwrap();
    place.file(
        "nets/m.eyas",
        "use \"parts/block.eyas\"\ndim B\nmodel M(x: f32[B, 8]) -> (y: f32[B, 4]) {\n  return x |> block: Block(out = width)\n}\nconst width = 4\n",
    );
    // Everything uses everything, this file itself too.
    place.file(
        "nets/parts/block.eyas",
        "use \"../../other.eyas\"\nuse \"../m.eyas\"\nuse \"./block.eyas\"\nlayer Block(x: f32[.., D], out: int) -> f32[.., out] {\n  return x |> fc: Linear(out) |> Halved()\n}\n",
    );
    place.file(
        "other.eyas",
        "use \"nets/parts/../m.eyas\"\nlayer Halved(x: f32[..]) -> f32[..] { return x / 2 }\n",
    );
    for name in ["nets/m.eyas", "./nets/../nets/m.eyas"] {
        place.succeeds(&format!("check {name}"));
    }
    place.file("other.eyas", "use \"nothing.eyas\"\n");
    place.fails(
        "check nets/m.eyas",
        "E0128",
        &["other.eyas:1", "`nothing.eyas`"],
    );
}

#[test]
fn a_specialised_plan_does_not_share_what_it_computes_from_parameters_in_another_way() {
    let place = Place::new();
    let source = "dim B
model M(x: f32[B, 4]) -> (y: f32[B, 4]) {
  param a: f32[4] = uniform(1, 2)
  param t: f32[4] = uniform(1, 2)
  return x * (exp(a) * B) + sqrt(t)
}
";
    place.file("m.eyas", source);
    for rows in [2, 3] {
        let tensor = eyas::Tensor::from_f32(&[rows, 4], &vec![1.0; rows * 4]).unwrap();
        eyas::write_tensor(place.path("x.npy"), &tensor).unwrap();
        let run = |options: &str| {
            let line = format!("run m.eyas -i x=x.npy -o y=y.npy {options}");
            place.succeeds(&line);
            eyas::read_tensor(place.path("y.npy")).unwrap()
        };
        let plain = run("");
        assert!(
            plain
                .as_f32()
                .unwrap()
                .iter()
                .all(|value| *value > rows as f32 * 2.7)
        );
        for options in [
            "--specialize B=3",
            "--specialize B=3 --specialize B=2",
            &format!("--bind B={rows}"),
        ] {
            let error = run(options).relative_error(&plain);
            assert!(error < 1e-6, "{rows} rows, {options}: {error:e}");
        }
    }
}
