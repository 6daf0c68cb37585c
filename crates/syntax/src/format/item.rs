use super::Formatter;
use super::document::{Document, concat, group, joined, nest, text};
use crate::ast::{
    ConstDecl, DimDecl, File, Formal, Item, Quantize, QuantizeStatement, Results, Rewrite, Rule,
    Signature, Train, TrainStatement, Type, TypeDim,
};
use eyas_diagnostic::Span;

impl Formatter<'_> {
    pub(super) fn file(&mut self, file: &File) -> Document {
        let mut parts = Vec::new();
        let mut previous: Option<Span> = None;
        if let Some(version) = &file.version {
            let number = version.number;
            parts.push(self.with_comments(version.span, true, |_| text(format!("eyas {number}"))));
            previous = Some(version.span);
        }
        let mut after_block = false;
        for item in &file.items {
            let span = item.span();
            if let Some(previous) = previous {
                parts.push(Document::HardLine);
                let parted = self
                    .source
                    .get(previous.end as usize..span.start as usize)
                    .is_some_and(has_blank_line);
                if (after_block || is_block(item)) && !parted {
                    parts.push(Document::HardLine);
                }
            }
            parts.push(
                self.with_comments(span, previous.is_none(), |formatter| formatter.item(item)),
            );
            previous = Some(span);
            after_block = is_block(item);
        }
        let last = self.last_comments(u32::MAX, previous.is_none());
        parts.extend(last);
        concat(parts)
    }

    fn item(&mut self, item: &Item) -> Document {
        match item {
            Item::Use(item) => text(format!("use {}", self.written(item.path.span))),
            Item::Dim(item) => self.dim_decl(item),
            Item::Const(item) => self.const_decl(item),
            Item::Layer(item) => {
                let signature = self.signature("layer", &item.signature);
                concat(vec![signature, self.block(&item.body)])
            }
            Item::Model(item) => {
                let signature = self.signature("model", &item.signature);
                concat(vec![signature, self.block(&item.body)])
            }
            Item::Rule(item) => self.rule(item),
            Item::Train(item) => self.train(item),
            Item::Quantize(item) => self.quantize(item),
        }
    }

    fn dim_decl(&mut self, item: &DimDecl) -> Document {
        let names = item
            .names
            .iter()
            .map(|name| text(self.written(name.span)))
            .collect();
        let mut parts = vec![joined(names)];
        if !item.facts.is_empty() {
            parts.extend([Document::Line, text("where ")]);
            parts.push(joined(
                item.facts
                    .iter()
                    .map(|fact| self.expression(fact))
                    .collect(),
            ));
        }
        group(concat(vec![text("dim "), nest(4, concat(parts))]))
    }

    fn const_decl(&mut self, item: &ConstDecl) -> Document {
        let mut bindings = Vec::new();
        for binding in &item.bindings {
            let name = text(format!("{} = ", self.written(binding.name.span)));
            bindings.push(concat(vec![name, self.expression(&binding.value)]));
        }
        group(concat(vec![text("const "), nest(4, joined(bindings))]))
    }

    /// Everything up to the body, a space included.
    fn signature(&mut self, word: &str, signature: &Signature) -> Document {
        let mut parts = vec![text(format!(
            "{word} {}",
            self.written(signature.name.span)
        ))];
        parts.push(self.list(
            ("(", ")"),
            &signature.formals,
            |formal| formal.span,
            |formatter, formal| formatter.formal(formal),
        ));
        let mut behind = Vec::new();
        if let Some(results) = &signature.results {
            behind.extend([Document::Line, text("-> "), self.results(results)]);
        }
        if !signature.facts.is_empty() {
            behind.extend([Document::Line, text("where ")]);
            behind.push(joined(
                signature
                    .facts
                    .iter()
                    .map(|fact| self.expression(fact))
                    .collect(),
            ));
        }
        parts.push(nest(4, concat(behind)));
        concat(vec![
            Document::Group {
                inner: Box::new(concat(parts)),
                broken: false,
            },
            text(" "),
        ])
    }

    fn formal(&mut self, formal: &Formal) -> Document {
        let mut parts = vec![text(self.written(formal.name.span))];
        if let Some(ty) = &formal.ty {
            parts.extend([text(": "), self.ty(ty)]);
        }
        if let Some(default) = &formal.default {
            parts.extend([text(" = "), self.expression(default)]);
        }
        concat(parts)
    }

    fn results(&mut self, results: &Results) -> Document {
        match results {
            Results::Unnamed(ty) => self.ty(ty),
            Results::Named(outputs) => self.list(
                ("(", ")"),
                outputs,
                |output| output.span,
                |formatter, output| {
                    let name = text(format!("{}: ", formatter.written(output.name.span)));
                    concat(vec![name, formatter.ty(&output.ty)])
                },
            ),
        }
    }

    pub(super) fn ty(&mut self, ty: &Type) -> Document {
        let element = text(ty.element.node.name());
        let Some(shape) = &ty.shape else {
            return element;
        };
        let shape = self.list(
            ("[", "]"),
            shape,
            TypeDim::span,
            |formatter, dim| match dim {
                TypeDim::Rest(_) => text(".."),
                TypeDim::Dim(extent) => formatter.expression(extent),
            },
        );
        concat(vec![element, shape])
    }

    fn rule(&mut self, item: &Rule) -> Document {
        let signature = self.signature("rule", &item.signature);
        let body = Span {
            start: item.signature.span.end,
            ..item.span
        };
        let rewrites = self.braced(
            body,
            &item.rewrites,
            |rewrite| rewrite.span,
            |formatter, rewrite| formatter.rewrite(rewrite),
        );
        concat(vec![signature, rewrites])
    }

    fn rewrite(&mut self, rewrite: &Rewrite) -> Document {
        let pattern = self.expression(&rewrite.pattern);
        let replacement = self.expression(&rewrite.replacement);
        group(concat(vec![
            pattern,
            text(" =>"),
            nest(4, concat(vec![Document::Line, replacement])),
        ]))
    }

    fn train(&mut self, item: &Train) -> Document {
        let body = Span {
            start: item.model.span.end,
            ..item.span
        };
        let statements = self.braced(
            body,
            &item.statements,
            TrainStatement::span,
            |formatter, statement| match statement {
                TrainStatement::Data(data) => {
                    let names: Vec<&str> = data
                        .names
                        .iter()
                        .map(|name| formatter.written(name.span))
                        .collect();
                    let names = text(format!("data {} = ", names.join(", ")));
                    concat(vec![names, formatter.expression(&data.source)])
                }
                TrainStatement::Set(assign) => formatter.assign(assign),
            },
        );
        concat(vec![
            text(format!("train {} ", self.written(item.model.span))),
            statements,
        ])
    }

    fn quantize(&mut self, item: &Quantize) -> Document {
        let body = Span {
            start: item.model.span.end,
            ..item.span
        };
        let statements = self.braced(
            body,
            &item.statements,
            QuantizeStatement::span,
            |formatter, statement| match statement {
                QuantizeStatement::Set(assign) => formatter.assign(assign),
                QuantizeStatement::Rule(rule) => {
                    let selectors = rule
                        .selectors
                        .iter()
                        .map(|selector| formatter.selector(selector))
                        .collect();
                    let action = formatter.expression(&rule.action);
                    concat(vec![
                        group(nest(4, joined(selectors))),
                        text(" => "),
                        action,
                    ])
                }
                QuantizeStatement::Require(require) => concat(vec![
                    text("require "),
                    formatter.expression(&require.condition),
                ]),
            },
        );
        concat(vec![
            text(format!("quantize {} ", self.written(item.model.span))),
            statements,
        ])
    }
}

fn is_block(item: &Item) -> bool {
    matches!(
        item,
        Item::Layer(_) | Item::Model(_) | Item::Train(_) | Item::Quantize(_)
    )
}

fn has_blank_line(gap: &str) -> bool {
    let mut lines = gap.split('\n').skip(1).peekable();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() && lines.peek().is_some() {
            return true;
        }
    }
    false
}
