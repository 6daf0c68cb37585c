use super::{Builder, Part, parts};
use crate::ast::{Dtype, ElementType, Formal, NamedOutput, Results, Signature, Type, TypeDim};
use crate::grammar::Rule;
use eyas_diagnostic::{Diagnostic, Span, Spanned};

impl Builder<'_> {
    pub(super) fn signature(&mut self, part: Part<'_>) -> Option<Signature> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let name = self.name(&inner.next()?);
        let mut signature = Signature {
            name,
            formals: Vec::new(),
            results: None,
            facts: Vec::new(),
            span,
        };
        for part in inner {
            match part.as_rule() {
                Rule::formal => signature.formals.push(self.formal(part)?),
                Rule::results => signature.results = self.results(part),
                _ => signature.facts = self.expressions(part),
            }
        }
        Some(signature)
    }

    fn formal(&mut self, part: Part<'_>) -> Option<Formal> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let name = self.name(&inner.next()?);
        let mut formal = Formal {
            name,
            ty: None,
            default: None,
            span,
        };
        for part in inner {
            match part.as_rule() {
                Rule::ty => formal.ty = self.ty(part),
                _ => formal.default = self.expression(part),
            }
        }
        Some(formal)
    }

    fn results(&mut self, part: Part<'_>) -> Option<Results> {
        let inner = parts(part).next()?;
        match inner.as_rule() {
            Rule::ty => self.ty(inner).map(Results::Unnamed),
            _ => parts(inner)
                .map(|output| self.output(output))
                .collect::<Option<_>>()
                .map(Results::Named),
        }
    }

    fn output(&mut self, part: Part<'_>) -> Option<NamedOutput> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let name = self.name(&inner.next()?);
        let ty = self.ty(inner.next()?)?;
        Some(NamedOutput { name, ty, span })
    }

    pub(super) fn ty(&mut self, part: Part<'_>) -> Option<Type> {
        let span = self.span(&part);
        let mut inner = parts(part);
        let written = inner.next()?;
        let place = self.span(&written);
        let element = self.element(written.as_str(), place);
        let shape = match inner.next() {
            Some(shape) => Some(
                parts(shape)
                    .map(|dim| self.dim(dim))
                    .collect::<Option<_>>()?,
            ),
            None => None,
        };
        Some(Type {
            element: Spanned::new(element, place),
            shape,
            span,
        })
    }

    fn dim(&mut self, part: Part<'_>) -> Option<TypeDim> {
        let inner = parts(part).next()?;
        match inner.as_rule() {
            Rule::dots => Some(TypeDim::Rest(self.span(&inner))),
            _ => self.expression(inner).map(TypeDim::Dim),
        }
    }

    fn element(&mut self, word: &str, span: Span) -> ElementType {
        if let Some(element) = ElementType::from_name(word) {
            return element;
        }
        let diagnostic = Diagnostic::error("E0016", format!("there is no element type `{word}`"))
            .primary(span, "not a type")
            .note(format!(
                "the types are {}",
                ElementType::all()
                    .map(ElementType::name)
                    .collect::<Vec<_>>()
                    .join(", ")
            ));
        self.report(match nearest_element(word) {
            Some(near) => diagnostic.help(format!("write `{near}`")),
            None => {
                diagnostic.help("a type is written with its element first, such as `f32[B, 10]`")
            }
        });
        ElementType::Dtype(Dtype::F32)
    }
}

fn nearest_element(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let spelt_out = match word.as_str() {
        "float64" | "double" => "f64",
        "float32" | "tensor" => "f32",
        "float16" | "half" => "f16",
        "bfloat16" => "bf16",
        "int64" | "long" => "i64",
        "int32" => "i32",
        "int16" => "i16",
        "int8" => "i8",
        "int4" => "i4",
        "uint64" => "u64",
        "uint32" => "u32",
        "uint16" => "u16",
        "uint8" | "byte" => "u8",
        "uint4" => "u4",
        "boolean" => "bool",
        "integer" | "usize" => "int",
        "real" => "float",
        _ => "",
    };
    if !spelt_out.is_empty() {
        return Some(spelt_out);
    }
    let near = ElementType::all()
        .map(|element| (strsim::osa_distance(&word, element.name()), element.name()));
    near.filter(|(distance, _)| *distance <= 1 + word.len() / 6)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
