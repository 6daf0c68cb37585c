use eyas_ir::{BinaryFunction, UnaryFunction};
use eyas_optimize::{Family, Pattern, Rule, check_rules, example, rules};

#[test]
fn every_rule_holds_on_random_instances() {
    let report = check_rules(&rules(), 1, 60);
    assert!(report.passed(), "{report}");
}

#[test]
fn names_are_distinct() {
    let all = rules();
    let mut names: Vec<&str> = all.iter().map(|rule| &*rule.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(all.iter().all(|rule| !rule.documentation.is_empty()));
}

fn wrong() -> Rule {
    Rule::new(
        "negate-away",
        Family::User,
        "Wrong on purpose.",
        Pattern::unary(UnaryFunction::Negate, Pattern::any(0)),
        |matched, _| Some(matched.value(0)),
        |instance| {
            let x = instance.any()?;
            instance.unary(UnaryFunction::Negate, x)
        },
    )
}

#[test]
fn a_wrong_rule_is_caught() {
    let report = check_rules(&[wrong()], 1, 10);
    let failure = report.rules[0].failure.as_ref().unwrap();
    assert!(failure.message.contains("differ by"), "{report}");
    assert!(failure.instance.contains("negate"));
}

#[test]
fn a_rule_slightly_off_is_caught() {
    let rule = Rule::new(
        "almost-one",
        Family::User,
        "Wrong in the ninth place.",
        Pattern::any(0),
        |matched, builder| {
            let ty = builder.ty(matched.root());
            let factor = builder.splat(eyas_tensor::Number::Float(1.00001), &ty)?;
            builder.binary(BinaryFunction::Multiply, matched.root(), factor)
        },
        |instance| {
            let x = instance.input(&[3])?;
            instance.unary(UnaryFunction::Exp, x)
        },
    );
    assert!(!check_rules(&[rule], 1, 10).passed());
}

#[test]
fn a_rule_that_never_matches_fails() {
    let mut rule = wrong();
    rule.pattern = Pattern::unary(UnaryFunction::Sin, Pattern::any(0));
    let report = check_rules(&[rule], 1, 10);
    assert_eq!(
        report.rules[0].failure.as_ref().unwrap().message,
        "no instance matched"
    );
}

#[test]
fn a_rule_that_changes_the_type_is_caught() {
    let mut rule = wrong();
    rule.replacement = std::sync::Arc::new(|matched, builder| {
        builder.cast(matched.value(0), eyas_tensor::DType::I8)
    });
    let report = check_rules(&[rule], 1, 10);
    let failure = report.rules[0].failure.as_ref().unwrap();
    assert!(failure.message.contains("negate-away"), "{report}");
}

#[test]
fn every_rule_has_an_example() {
    for rule in rules() {
        let example = example(&rule, 7).unwrap();
        let text = format!(
            "{} {} {:?}\n{}\ngiven {}\nof {:?}\n\n{}\n{}",
            rule.family.name(),
            rule.name,
            rule.exactness,
            rule.documentation,
            rule.premises.text,
            rule.premises.dtypes,
            example.before,
            example.after,
        );
        insta::with_settings!({ snapshot_path => "snapshots/rules", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(&*rule.name, text);
        });
    }
}
