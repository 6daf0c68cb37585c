use eyas_diagnostic::Diagnostic;
use eyas_syntax::ast::{Expr, ExprKind, Quantize, QuantizeStatement};

use crate::activation::Activation;
use crate::elaborator::Elaborator;
use crate::model::Built;
use crate::names::suggest;
use crate::selector::PathPattern;

/// The settings of a `quantize` block.
const SETTINGS: [&str; 1] = ["calibrate"];

/// What may be done with the layers that a rule matches.
const ACTIONS: [&str; 4] = ["f16", "int4", "int8", "keep"];

/// How ranges may be found.
const CALIBRATIONS: [&str; 3] = ["entropy", "minmax", "percentile"];

impl<'p> Elaborator<'p> {
    /// Checks a `quantize` block, as far as it can be checked before anything is quantized.
    pub fn quantize(&mut self, quantize: &'p Quantize, models: &[Built]) {
        self.activations = vec![Activation::new(0, "quantize", quantize.span)];
        let found = self
            .callable(&quantize.model.text)
            .filter(|found| found.is_model);
        let Some(callable) = found else {
            self.unknown_model(&quantize.model);
            return;
        };
        let built = models.iter().find(|built| built.info.span == callable.span);
        for line in &quantize.statements {
            match line {
                QuantizeStatement::Set(line) => {
                    for name in &line.targets {
                        if !SETTINGS.contains(&name.text.as_str()) {
                            let diagnostic = Diagnostic::error(
                                "E0133",
                                format!("there is no setting `{}`", name.text),
                            )
                            .primary(name.span, "unknown");
                            self.report(suggest(diagnostic, &name.text, SETTINGS));
                        }
                    }
                    self.check_function(&line.value, &CALIBRATIONS, "a calibration");
                }
                QuantizeStatement::Rule(rule) => {
                    self.check_function(&rule.action, &ACTIONS, "an action");
                    for selector in &rule.selectors {
                        let pattern = PathPattern::new(selector);
                        let matched = built.is_none_or(|built| {
                            built
                                .parameters
                                .keys()
                                .any(|path| pattern.matches_prefix(path))
                        });
                        if !matched {
                            self.unmatched(selector.span);
                        }
                    }
                }
                QuantizeStatement::Require(_) => {}
            }
        }
    }

    fn check_function(&mut self, tree: &'p Expr, known: &[&'static str], what: &str) {
        let name = match &tree.ungrouped().kind {
            ExprKind::Call(call) => &call.function.text,
            ExprKind::Name(name) => name,
            _ => "",
        };
        if !known.contains(&name) {
            let diagnostic = Diagnostic::error("E0133", format!("{what} is wanted here"))
                .primary(tree.span, "this is none")
                .note(format!("there are {}", known.join(", ")));
            self.report(suggest(diagnostic, name, known.iter().copied()));
        }
    }
}
