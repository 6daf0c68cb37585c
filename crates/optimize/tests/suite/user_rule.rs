use eyas_diagnostic::{Diagnostic, SourceMap};
use eyas_ir::Module;
use eyas_optimize::{Options, Report, Rule, check_rules, rules_from_source, run_passes};

fn read(text: &str) -> Result<Vec<Rule>, Vec<Diagnostic>> {
    let mut sources = SourceMap::new();
    let file = sources.add("rules.eyas", text);
    let parsed = eyas_syntax::parse(text, file);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    rules_from_source(&parsed.file)
}

const RULES: &str = "
rule drop_double_negation(x: f32[..]) { -(-x) => x }
rule square(x: f32[..]) {
  x ^ 2 => x * x
  relu(relu(x)) => relu(x)
}
rule scale_of_product(x: f32[.., I], w: f32[I, O], s: float) { (x @ w) * s => x @ (w * s) }
rule bias_before_relu(x: f32[.., D], b: f32[D]) { relu(b + x) => relu(x + b) }
rule twice(x: f32[..], s: float, t: float) { (x * s) * t => x * (s * t) }
rule shift(x: f32[.., D]) { softmax(x - max(x, -1), -1) => softmax(x, -1) }
rule choose(c: bool[..], x: i32[..]) { select(not c, x, x) => x }
rule wide(x: f32[M, M], y: f32[M, M]) where M % 2 == 0 and M >= 2 { x @ y + x @ y => 2 * (x @ y) }
rule compare(x: i64[..], y: i64[..]) { not (x > y) => x <= y }
rule piped(x) { x |> exp |> log |> exp => x |> exp }
";

#[test]
fn rules_in_source_hold_on_random_instances() {
    let rules = read(RULES).unwrap();
    assert_eq!(rules.len(), 11);
    let wrong: Vec<String> = check_rules(&rules, 3, 20)
        .rules
        .iter()
        .filter_map(|rule| Some(format!("{}: {:?}", rule.name, rule.failure.as_ref()?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_rule_in_source_is_caught() {
    let rules = read("rule wrong(x: f32[..]) { x * 2 => x * 2.0000001 }\n").unwrap();
    let report = check_rules(&rules, 3, 20);
    assert!(!report.passed());
    let rules = read("rule wrong(x: f32[..], y: f32[..]) { x - y => y - x }\n").unwrap();
    assert!(!check_rules(&rules, 3, 20).passed());
    let rules = read("rule never(x: f32[N]) where N < 0 { -x => x }\n").unwrap();
    let report = check_rules(&rules, 3, 20);
    assert_eq!(
        report.rules[0].failure.as_ref().unwrap().message,
        "no instance matched"
    );
}

#[test]
fn a_rule_in_source_rewrites_a_module() {
    let mut module = Module::from_text(
        "module
         symbol B
         graph #0 main {
           %0 = input x : f32[B, 6]
           %1 = input b : f32[6]
           %2 = tanh %0 : f32[B, 6]
           %3 = broadcast %1 shape=[\"B\", \"6\"] : f32[B, 6]
           %4 = add %2, %3 : f32[B, 6]
           %5 = tanh %4 : f32[B, 6]
           return y = %5
         }
         entry main = #0 inference",
    )
    .unwrap();
    let source =
        "rule outer(x: f32[.., D], b: f32[D]) where D % 3 == 0 { tanh(tanh(x) + b) => x + b }\n";
    let options = Options {
        rules: read(source).unwrap(),
        ..Options::default()
    };
    let mut report = Report::default();
    run_passes(&mut module, &["optimize"], &options, &mut report).unwrap();
    assert_eq!(report.fired()["outer"], 1);
    insta::assert_snapshot!(module.to_text(Default::default()));
}

#[test]
fn a_rule_that_contradicts_a_type_stops_with_its_name() {
    let mut module = Module::from_text(
        "module
         graph #0 main {
           %0 = input x : f32[6]
           %1 = tanh %0 : f32[6]
           return y = %1
         }
         entry main = #0 inference",
    )
    .unwrap();
    let options = Options {
        rules: read("rule odd(x: f32[..]) { tanh(x) => x < 0 }\n").unwrap(),
        ..Options::default()
    };
    let mut report = Report::default();
    let error = run_passes(&mut module, &["optimize"], &options, &mut report).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the rewrite rule `odd` contradicts what is known: `f32[6]` becomes `bool[6]`"
    );
}

#[test]
fn a_rule_that_contradicts_a_range_stops_with_its_name() {
    let mut module = Module::from_text(
        "module
         graph #0 main {
           %0 = input x : f32[6]
           %1 = tanh %0 : f32[6]
           return y = %1
         }
         entry main = #0 inference",
    )
    .unwrap();
    let options = Options {
        rules: read("rule odd(x: f32[..]) { tanh(x) => sigmoid(x) + 2 }\n").unwrap(),
        ..Options::default()
    };
    let mut report = Report::default();
    let error = run_passes(&mut module, &["optimize"], &options, &mut report).unwrap_err();
    assert!(error.to_string().contains("`odd`"), "{error}");
}

#[test]
fn what_cannot_be_a_rule_is_a_diagnostic() {
    let source = "
rule indexed(x: f32[..]) { x[0] => x }
rule unknown(x: f32[..]) { rellu(x) => x }
rule unbound(x: f32[..], y: f32[..]) { -x => y }
rule typo(value: f32[..]) { -value => valve }
rule bare(x: f32[..]) { x => -(-x) }
rule scalar(s: float[..]) { s + 1 => s }
rule extent(x: f32[2 * N]) { -x => x }
rule axis(x: f32[..], n: int) { softmax(x, n) + n => x }
rule fact(x: f32[N]) where x { -x => x }
rule arity(x: f32[..]) { maximum(x) => x }
";
    let diagnostics = read(source).unwrap_err();
    let told: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| {
            let span = diagnostic.span().unwrap();
            let text = &source[span.range()];
            format!("{} {} [{text}]", diagnostic.code, diagnostic.message)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    let pages: Vec<&str> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect();
    for code in pages {
        assert!(eyas_diagnostic::explain(code).is_some(), "{code}");
    }
}
