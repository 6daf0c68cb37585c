use super::{Builder, Part, parts};
use crate::ast::{
    ConstBinding, ConstDecl, DataStatement, DimDecl, Item, Layer, Model, NumberValue, Quantize,
    QuantizeRule, QuantizeStatement, Require, Rewrite, Rule as RewriteRule, Selector,
    SelectorSegment, Train, TrainStatement, Use, Version,
};
use crate::grammar::Rule;
use eyas_diagnostic::Diagnostic;

/// The newest version of the language.
const VERSION: u64 = 1;

impl Builder<'_> {
    pub(super) fn version(&mut self, part: Part<'_>) -> Option<Version> {
        let span = self.span(&part);
        let written = parts(part).next()?;
        let number = match self.number(&written).value {
            NumberValue::Integer(number) => number,
            NumberValue::Float(_) => 0,
        };
        if !(1..=VERSION).contains(&number) {
            let place = self.span(&written);
            self.report(
                Diagnostic::error(
                    "E0026",
                    format!("version {} of the language is not known", written.as_str()),
                )
                .primary(place, format!("the newest version is {VERSION}"))
                .help(format!("write `eyas {VERSION}`, or take a newer compiler")),
            );
        }
        Some(Version { number, span })
    }

    pub(super) fn item(&mut self, part: Part<'_>) -> Option<Item> {
        let span = self.span(&part);
        match part.as_rule() {
            Rule::use_item => {
                let path = parts(part).next()?;
                Some(Item::Use(Use {
                    path: self.name(&path),
                    span,
                }))
            }
            Rule::dim_item => {
                let mut inner = parts(part);
                let names = self.names(inner.next()?);
                let facts = inner
                    .next()
                    .map_or_else(Vec::new, |facts| self.expressions(facts));
                Some(Item::Dim(DimDecl { names, facts, span }))
            }
            Rule::const_item => {
                let bindings = parts(part)
                    .filter_map(|binding| self.binding(binding))
                    .collect();
                Some(Item::Const(ConstDecl { bindings, span }))
            }
            Rule::layer => {
                let mut inner = parts(part);
                let signature = self.signature(inner.next()?)?;
                let body = self.block(inner.next()?);
                Some(Item::Layer(Layer {
                    signature,
                    body,
                    span,
                }))
            }
            Rule::model => {
                let mut inner = parts(part);
                let signature = self.signature(inner.next()?)?;
                let body = self.block(inner.next()?);
                Some(Item::Model(Model {
                    signature,
                    body,
                    span,
                }))
            }
            Rule::rule_item => {
                let mut inner = parts(part);
                let signature = self.signature(inner.next()?)?;
                if signature.results.is_some() {
                    self.report(
                        Diagnostic::error("E0001", "a rule has no result type")
                            .primary(signature.span, "in this signature")
                            .help("remove `->` and the type: both sides of a rule have one type"),
                    );
                }
                let rewrites = inner.filter_map(|rewrite| self.rewrite(rewrite)).collect();
                Some(Item::Rule(RewriteRule {
                    signature,
                    rewrites,
                    span,
                }))
            }
            Rule::train => {
                let mut inner = parts(part);
                let model = self.name(&inner.next()?);
                let statements = inner
                    .filter_map(|statement| self.train_statement(statement))
                    .collect();
                Some(Item::Train(Train {
                    model,
                    statements,
                    span,
                }))
            }
            Rule::quantize => {
                let mut inner = parts(part);
                let model = self.name(&inner.next()?);
                let statements = inner
                    .filter_map(|statement| self.quantize_statement(statement))
                    .collect();
                Some(Item::Quantize(Quantize {
                    model,
                    statements,
                    span,
                }))
            }
            _ => None,
        }
    }

    fn binding(&mut self, part: Part<'_>) -> Option<ConstBinding> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let name = self.name(&inner.next()?);
        let value = self.expression(inner.next()?)?;
        Some(ConstBinding { name, value, span })
    }

    fn rewrite(&mut self, part: Part<'_>) -> Option<Rewrite> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let pattern = self.expression(inner.next()?)?;
        let replacement = self.expression(inner.next()?)?;
        Some(Rewrite {
            pattern,
            replacement,
            span,
        })
    }

    fn train_statement(&mut self, part: Part<'_>) -> Option<TrainStatement> {
        if part.as_rule() == Rule::assign {
            return self.setting(part).map(TrainStatement::Set);
        }
        let span = self.span(&part);
        let mut inner = parts(part);
        let names = self.names(inner.next()?);
        let source = self.expression(inner.next()?)?;
        Some(TrainStatement::Data(DataStatement {
            names,
            source,
            span,
        }))
    }

    fn quantize_statement(&mut self, part: Part<'_>) -> Option<QuantizeStatement> {
        let span = self.span(&part);
        match part.as_rule() {
            Rule::assign => self.setting(part).map(QuantizeStatement::Set),
            Rule::require => {
                let condition = self.expression(parts(part).next()?)?;
                Some(QuantizeStatement::Require(Require { condition, span }))
            }
            Rule::quantize_rule => {
                let mut selectors = Vec::new();
                let mut action = None;
                for inner in parts(part) {
                    match inner.as_rule() {
                        Rule::selector => selectors.push(self.selector(inner)?),
                        _ => action = self.expression(inner),
                    }
                }
                Some(QuantizeStatement::Rule(QuantizeRule {
                    selectors,
                    action: action?,
                    span,
                }))
            }
            _ => None,
        }
    }

    fn selector(&mut self, part: Part<'_>) -> Option<Selector> {
        let span = self.span(&part);
        let segments = parts(part)
            .map(|segment| self.segment(segment))
            .collect::<Option<_>>()?;
        Some(Selector { segments, span })
    }

    fn segment(&mut self, part: Part<'_>) -> Option<SelectorSegment> {
        let mut inner = parts(part);
        let first = inner.next()?;
        if first.as_rule() == Rule::stars {
            return Some(self.stars(&first));
        }
        let label = self.label(&first, inner.next())?;
        Some(SelectorSegment::Label(label))
    }

    pub(super) fn stars(&self, part: &Part<'_>) -> SelectorSegment {
        let span = self.span(part);
        if part.as_str() == "**" {
            SelectorSegment::Rest(span)
        } else {
            SelectorSegment::Any(span)
        }
    }
}
