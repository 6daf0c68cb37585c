//! Rules that a model's file brings: `rule name(x: f32[..]) { pattern => replacement }`.
//!
//! An expression of a rule is made of its formals, numbers, operators (`@` among them) and calls
//! of the functions in [`function`](self::function). A formal with a tensor's type stands for any
//! value of that type, `..` for any axes, a capital for any extent, the same wherever it stands;
//! `s: float` and `n: int` stand for a number that is in every element.

mod function;
mod instance;
mod replacement;
mod shape;
mod term;

use std::sync::Arc;

use eyas_diagnostic::Diagnostic;
use eyas_syntax::ast;
use eyas_tensor::DType;

use crate::pattern::Pattern;
use crate::rule::{Exactness, Family, Premises, Rule};
use shape::{Declared, declare};
use term::{Reader, Term};

/// The rules of a file, in order.
///
/// # Errors
/// A diagnostic for everything that cannot stand in a rule.
pub fn rules_from_source(file: &ast::File) -> Result<Vec<Rule>, Vec<Diagnostic>> {
    let (mut rules, mut diagnostics) = (Vec::new(), Vec::new());
    for item in &file.items {
        if let ast::Item::Rule(rule) = item {
            read(rule, &mut rules, &mut diagnostics);
        }
    }
    match diagnostics.is_empty() {
        true => Ok(rules),
        false => Err(diagnostics),
    }
}

/// A rule as it was read: what its two sides are made of.
#[derive(Debug, Clone)]
pub(crate) struct UserRule {
    name: String,
    declared: Declared,
    pattern: Term,
    replacement: Term,
    /// Where floats are checked in the type that constants are most exact in.
    wide: bool,
}

fn read(rule: &ast::Rule, rules: &mut Vec<Rule>, diagnostics: &mut Vec<Diagnostic>) {
    let declared = match declare(&rule.signature) {
        Ok(declared) => declared,
        Err(mut found) => {
            diagnostics.append(&mut found);
            return;
        }
    };
    let name = &rule.signature.name.text;
    for (place, rewrite) in rule.rewrites.iter().enumerate() {
        let name = match rule.rewrites.len() {
            1 => name.clone(),
            _ => format!("{name}.{}", place + 1),
        };
        let mut reader = Reader::new(&declared, diagnostics);
        let sides = (
            reader.pattern(&rewrite.pattern),
            reader.replacement(&rewrite.replacement),
        );
        let (Some(pattern), Some(replacement)) = sides else {
            continue;
        };
        reader.check_names(&rewrite.pattern, &pattern, &replacement);
        rules.push(built(UserRule {
            name,
            declared: declared.clone(),
            pattern,
            replacement,
            wide: false,
        }));
    }
}

fn built(rule: UserRule) -> Rule {
    let wide = (!rule.wide).then(|| {
        let mut wide = rule.clone();
        wide.declared.widen();
        wide.wide = true;
        Arc::new(built(wide))
    });
    let dtypes: Vec<DType> = rule.declared.dtypes();
    let mut along = Vec::new();
    let pattern: Pattern = rule.pattern.to_pattern(&rule.declared, &mut along);
    let name = rule.name.clone();
    let rule = Arc::new(rule);
    let right = rule.clone();
    Rule {
        name,
        family: Family::User,
        exactness: Exactness::Exact,
        documentation: "From a model's file.".into(),
        premises: Premises {
            dtypes,
            ranks: (0, 3),
            text: "the types and facts of its signature".into(),
        },
        pattern,
        replacement: Arc::new(move |matched, builder| right.replace(&along, matched, builder)),
        instantiate: Arc::new(move |instance| rule.instance(instance)),
        rounded: false,
        checked_as: wide,
    }
}
