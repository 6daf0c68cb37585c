use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Atom, Dim};

/// Parentheses a dim's text may nest.
const NESTING_LIMIT: usize = 64;

/// Why a text is not a dim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a dim: {reason} at position {position}")]
pub struct DimParseError {
    /// The whole text.
    pub text: String,
    /// What was wrong.
    pub reason: String,
    /// Where, in bytes.
    pub position: usize,
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(value) = self.as_constant() {
            return write!(f, "{value}");
        }
        // The constant term is first in canonical order and reads better last.
        let terms = self.terms();
        let (constant, symbolic): (Vec<_>, Vec<_>) =
            terms.iter().partition(|(monomial, _)| monomial.is_empty());
        for (position, (monomial, coefficient)) in symbolic.into_iter().chain(constant).enumerate()
        {
            let magnitude = coefficient.unsigned_abs();
            f.write_str(match (position, *coefficient < 0) {
                (0, true) => "-",
                (0, false) => "",
                (_, true) => " - ",
                (_, false) => " + ",
            })?;
            if magnitude != 1 || monomial.is_empty() {
                write!(f, "{magnitude}")?;
            }
            let mut separator = if magnitude == 1 { "" } else { "*" };
            // A quotient binds like a product, so it needs brackets beside factors and a sign.
            let alone = magnitude == 1
                && (position > 0 || *coefficient > 0)
                && monomial.values().sum::<u32>() == 1;
            for (atom, &exponent) in monomial {
                let brackets = !alone && matches!(atom, Atom::FloorDiv(..) | Atom::Mod(..));
                for _ in 0..exponent {
                    f.write_str(separator)?;
                    if brackets {
                        write!(f, "({atom})")?;
                    } else {
                        write!(f, "{atom}")?;
                    }
                    separator = "*";
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Symbol(name) => f.write_str(name),
            Atom::FloorDiv(a, b) => write!(f, "{} // {}", Left(a), Right(b)),
            Atom::Mod(a, b) => write!(f, "{} % {}", Left(a), Right(b)),
            Atom::Min(a, b) => write!(f, "min({a}, {b})"),
            Atom::Max(a, b) => write!(f, "max({a}, {b})"),
        }
    }
}

/// A dim on the left of `//` or `%`: sums and signs stand in brackets.
struct Left<'a>(&'a Dim);

impl fmt::Display for Left<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms = self.0.terms();
        if terms.len() <= 1 && terms.values().all(|coefficient| *coefficient > 0) {
            write!(f, "{}", self.0)
        } else {
            write!(f, "({})", self.0)
        }
    }
}

/// A dim on the right of `//` or `%`: what is more than one factor stands in brackets.
struct Right<'a>(&'a Dim);

impl fmt::Display for Right<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms = self.0.terms();
        let factor = terms.len() <= 1
            && terms.iter().all(|(monomial, coefficient)| {
                let mut atoms = monomial.iter();
                match (atoms.next(), atoms.next()) {
                    (None, _) => *coefficient > 0,
                    (Some((Atom::FloorDiv(..) | Atom::Mod(..), _)), _) => false,
                    (Some((_, exponent)), None) => *coefficient == 1 && *exponent == 1,
                    (Some(_), Some(_)) => false,
                }
            });
        if factor {
            write!(f, "{}", self.0)
        } else {
            write!(f, "({})", self.0)
        }
    }
}

impl FromStr for Dim {
    type Err = DimParseError;

    fn from_str(text: &str) -> Result<Dim, DimParseError> {
        let mut parser = Parser {
            text,
            position: 0,
            depth: 0,
        };
        let dim = parser.sum()?;
        parser.skip_spaces();
        if parser.position < text.len() {
            Err(parser.error("unexpected text"))
        } else {
            Ok(dim)
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
}

impl Parser<'_> {
    fn error(&self, reason: impl Into<String>) -> DimParseError {
        DimParseError {
            text: self.text.to_string(),
            reason: reason.into(),
            position: self.position,
        }
    }

    fn skip_spaces(&mut self) {
        while self.text[self.position..].starts_with(' ') {
            self.position += 1;
        }
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_spaces();
        let found = self.text[self.position..].starts_with(token);
        if found {
            self.position += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), DimParseError> {
        if self.take(token) {
            Ok(())
        } else {
            Err(self.error(format!("`{token}` expected")))
        }
    }

    fn sum(&mut self) -> Result<Dim, DimParseError> {
        let mut dim = self.product()?;
        loop {
            let result = if self.take("+") {
                dim.add(&self.product()?)
            } else if self.take("-") {
                dim.sub(&self.product()?)
            } else {
                return Ok(dim);
            };
            dim = result.map_err(|error| self.error(error.to_string()))?;
        }
    }

    fn product(&mut self) -> Result<Dim, DimParseError> {
        let mut dim = self.factor()?;
        loop {
            let result = if self.take("*") {
                dim.mul(&self.factor()?)
            } else if self.take("//") {
                dim.floor_div(&self.factor()?)
            } else if self.take("%") {
                dim.modulo(&self.factor()?)
            } else {
                return Ok(dim);
            };
            dim = result.map_err(|error| self.error(error.to_string()))?;
        }
    }

    fn factor(&mut self) -> Result<Dim, DimParseError> {
        self.depth += 1;
        if self.depth > NESTING_LIMIT {
            return Err(self.error(format!("more than {NESTING_LIMIT} levels of nesting")));
        }
        let dim = self.factor_within_limit();
        self.depth -= 1;
        dim
    }

    fn factor_within_limit(&mut self) -> Result<Dim, DimParseError> {
        if self.take("(") {
            let dim = self.sum()?;
            self.expect(")")?;
            return Ok(dim);
        }
        if self.take("-") {
            let dim = self.factor()?;
            return dim
                .mul(&Dim::from(-1))
                .map_err(|error| self.error(error.to_string()));
        }
        let rest = &self.text[self.position..];
        let word = rest
            .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '\'' | '#' | '$'))
            .map_or(rest, |end| &rest[..end]);
        if word.is_empty() {
            return Err(self.error("a number or a name expected"));
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let value: i64 = word
                .parse()
                .map_err(|_| self.error("not a 64-bit integer"))?;
            self.position += word.len();
            return Ok(Dim::from(value));
        }
        self.position += word.len();
        if matches!(word, "min" | "max") && self.take("(") {
            let first = self.sum()?;
            self.expect(",")?;
            let second = self.sum()?;
            self.expect(")")?;
            return Ok(if word == "min" {
                first.minimum(&second)
            } else {
                first.maximum(&second)
            });
        }
        Ok(Dim::symbol(word))
    }
}

impl Serialize for Dim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_constant() {
            Some(value) => serializer.serialize_i64(value),
            None => serializer.serialize_str(&self.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Dim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dim, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Dim;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer or a dim's text")
            }
            fn visit_i64<E>(self, value: i64) -> Result<Dim, E> {
                Ok(Dim::from(value))
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Dim, E> {
                i64::try_from(value).map(Dim::from).map_err(E::custom)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Dim, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dim(text: &str) -> Dim {
        text.parse().unwrap()
    }

    #[test]
    fn canonical_forms_are_equal_and_print_the_same() {
        assert_eq!(dim("(B + 1) * (B - 1)"), dim("B*B - 1"));
        assert_eq!(dim("2*B + B").to_string(), "3*B");
        assert_eq!(dim("(2*B + 3) // 2"), dim("B + 1"));
        assert_eq!(dim("(h*d) // h"), dim("d"));
        assert_eq!(dim("(4*S + 6) % 4"), dim("2"));
        assert_eq!(dim("min(S, S + 1)"), dim("S"));
        assert_eq!(dim("max(S, T)"), dim("max(T, S)"));
    }

    #[test]
    fn brackets_stand_where_they_are_needed() {
        for (text, shown) in [
            ("2 * (N // 2)", "2*(N // 2)"),
            ("(B + 291) // 292", "(B + 291) // 292"),
            ("(B // 2) + 1", "B // 2 + 1"),
            ("1 - B // 2", "-(B // 2) + 1"),
            ("S - B // 2", "S - B // 2"),
            ("((2*B) // 3) % 5", "2*B // 3 % 5"),
            ("2 * (B // 3) // 5", "2*(B // 3) // 5"),
            ("(-B) // 2", "(-B) // 2"),
            ("B // (2*S)", "B // (2*S)"),
            ("B // (S % 3)", "B // (S % 3)"),
            ("B // (S // 3)", "B // (S // 3)"),
            ("B // S", "B // S"),
            ("7 % S", "7 % S"),
            ("(B // 2) * (B // 2) * S", "S*(B // 2)*(B // 2)"),
            ("min((B + 1) // 2, S % 3)", "min((B + 1) // 2, S % 3)"),
            ("(B % 8) // min(S, T)", "B % 8 // min(S, T)"),
        ] {
            assert_eq!(dim(text).to_string(), shown);
            assert_eq!(dim(shown), dim(text), "{text}");
        }
    }

    #[test]
    fn text_survives_a_round_trip() {
        for text in [
            "-B",
            "B*S - 3",
            "(S + 3) // 4 * 4",
            "min(B, 7) + S % 8",
            "0",
            "-5",
        ] {
            assert_eq!(dim(&dim(text).to_string()), dim(text), "{text}");
        }
    }

    #[test]
    fn bad_text_is_an_error_and_never_a_panic() {
        for text in [
            "",
            "(",
            "1 +",
            "9999999999999999999",
            "B // 0",
            "a b",
            &"(".repeat(1000),
        ] {
            assert!(text.parse::<Dim>().is_err(), "{text}");
        }
        let overflow = format!("{} * {}", i64::MAX, 2);
        assert!(overflow.parse::<Dim>().is_err());
        let sums: Vec<String> = (0..40).map(|i| format!("(a{i} + b{i})")).collect();
        assert!(sums.join(" * ").parse::<Dim>().is_err());
        assert!(["B"; 65].join(" * ").parse::<Dim>().is_err());
    }

    #[test]
    fn evaluation_floors_towards_minus_infinity() {
        let bind = |name: &str| (name == "B").then_some(-7);
        assert_eq!(dim("B // 2").evaluate(&bind), Ok(-4));
        assert_eq!(dim("B % 2").evaluate(&bind), Ok(1));
        assert!(dim("S").evaluate(&bind).is_err());
    }
}
