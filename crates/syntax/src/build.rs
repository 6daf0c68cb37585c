//! From pest's pairs to the tree.
//!
//! A method returns `None` only for pairs that the grammar cannot give; what the grammar lets through and the
//! language does not is a diagnostic, and the tree then holds the nearest meaning.

mod expression;
mod item;
mod operators;
mod pattern;
mod statement;
mod types;

pub(crate) use operators::binding_power;

use crate::ast::{Item, Name, Version};
use crate::grammar::Rule;
use crate::layout::{Layout, span};
use eyas_diagnostic::{Diagnostic, FileId, Span};
use pest::iterators::{Pair, Pairs};

pub(crate) enum Built {
    Version(Version),
    Item(Item),
}

pub(crate) struct Builder<'a> {
    layout: &'a Layout,
    /// Where the parsed text begins in the layout's.
    base: usize,
    file: FileId,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

type Part<'i> = Pair<'i, Rule>;

impl<'a> Builder<'a> {
    pub(crate) fn new(layout: &'a Layout, base: usize, file: FileId) -> Self {
        Self {
            layout,
            base,
            file,
            diagnostics: Vec::new(),
        }
    }

    pub(crate) fn chunk(&mut self, pairs: Pairs<'_, Rule>) -> Option<Built> {
        let part = pairs.into_iter().next()?;
        match part.as_rule() {
            Rule::version => self.version(part).map(Built::Version),
            _ => self.item(part).map(Built::Item),
        }
    }

    fn span(&self, part: &Part<'_>) -> Span {
        let range = part.as_span();
        span(
            self.file,
            self.layout
                .source_range(self.base + range.start()..self.base + range.end()),
        )
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// A `name`, `operand_name`, `ident` or `string`.
    fn name(&self, part: &Part<'_>) -> Name {
        Name {
            text: unquoted(part.as_str()),
            span: self.span(part),
        }
    }

    fn names(&self, part: Part<'_>) -> Vec<Name> {
        parts(part).map(|part| self.name(&part)).collect()
    }
}

/// The pairs inside a pair, punctuation and words of the language left out.
fn parts(part: Part<'_>) -> impl Iterator<Item = Part<'_>> {
    part.into_inner()
        .filter(|part| !is_punctuation(part.as_rule()))
}

fn is_punctuation(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::newline
            | Rule::comma
            | Rule::colon
            | Rule::dot
            | Rule::equals
            | Rule::arrow
            | Rule::fat_arrow
            | Rule::pipe
            | Rule::bang
            | Rule::open_paren
            | Rule::close_paren
            | Rule::open_square
            | Rule::close_square
            | Rule::open_brace
            | Rule::close_brace
            | Rule::kw_eyas
            | Rule::kw_use
            | Rule::kw_dim
            | Rule::kw_const
            | Rule::kw_layer
            | Rule::kw_model
            | Rule::kw_rule
            | Rule::kw_train
            | Rule::kw_quantize
            | Rule::kw_return
            | Rule::kw_assert
            | Rule::kw_repeat
            | Rule::kw_data
            | Rule::kw_require
            | Rule::kw_where
            | Rule::kw_if
            | Rule::kw_in
            | Rule::kw_by
    )
}

/// The text a token stands for: itself, or what is between its quotes.
fn unquoted(word: &str) -> String {
    let Some(inner) = word
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return word.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    text
}
