use super::{Builder, Part, parts};
use crate::ast::{Axis, AxisList, PatternCall, PatternKind};
use crate::grammar::Rule;
use eyas_diagnostic::{Diagnostic, Spanned};

impl Builder<'_> {
    pub(super) fn pattern(&mut self, part: Part<'_>) -> Option<PatternCall> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let word = inner.next()?;
        let kind = match word.as_str() {
            "einsum" => PatternKind::Einsum,
            "rearrange" => PatternKind::Rearrange,
            _ => PatternKind::Reduce,
        };
        let mut lists = Vec::new();
        let mut arguments = Vec::new();
        for part in inner {
            match part.as_rule() {
                Rule::axes => lists.push(self.axes(part)?),
                _ => arguments = self.arguments(part),
            }
        }
        let output = lists.pop()?;
        if let [_, second, ..] = lists.as_slice()
            && kind != PatternKind::Einsum
        {
            let place = second.span;
            self.report(
                Diagnostic::error("E0001", format!("`{}` has one list of axes before `->`", kind.name()))
                    .primary(place, "a second list")
                    .help("several tensors of the same shape share the one list; only `einsum` has a list for each"),
            );
        }
        Some(PatternCall {
            kind: Spanned::new(kind, self.span(&word)),
            inputs: lists,
            output,
            arguments,
            span,
        })
    }

    fn axes(&mut self, part: Part<'_>) -> Option<AxisList> {
        let span = self.span(&part);
        let axes = parts(part)
            .map(|axis| self.axis(axis))
            .collect::<Option<_>>()?;
        Some(AxisList { axes, span })
    }

    fn axis(&mut self, part: Part<'_>) -> Option<Axis> {
        let span = self.span(&part);
        if part.as_rule() == Rule::axis_group {
            let axes = parts(part)
                .map(|axis| self.axis(axis))
                .collect::<Option<_>>()?;
            return Some(Axis::Group { axes, span });
        }
        let inner = parts(part).next()?;
        let axis = match inner.as_rule() {
            Rule::dots => Axis::Rest { span },
            Rule::number => Axis::Extent {
                value: self.extent(&inner),
                span,
            },
            _ => Axis::Name {
                name: inner.as_str().to_owned(),
                span,
            },
        };
        Some(axis)
    }

    fn extent(&mut self, part: &Part<'_>) -> u64 {
        let plain = part.as_str().replace('_', "");
        plain.parse().unwrap_or_else(|_| {
            let place = self.span(part);
            self.report(
                Diagnostic::error(
                    "E0005",
                    format!("`{}` is not the extent of an axis", part.as_str()),
                )
                .primary(place, "a whole number is needed here"),
            );
            1
        })
    }
}
