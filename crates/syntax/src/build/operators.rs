//! Precedence, the loosest first: `or`, `and`, `not`, comparisons, `+ -`, `* / // % @`, unary `-`, `^`.

use super::{Builder, Part};
use crate::ast::{BinaryOperator, Expr, ExprKind, UnaryOperator};
use eyas_diagnostic::{Diagnostic, Spanned};
use std::iter::Peekable;
use std::vec::IntoIter;

/// A part of an expression whose operators are not yet put in order.
pub(super) enum Term {
    Prefix(Spanned<UnaryOperator>),
    Infix(Spanned<BinaryOperator>),
    Operand(Expr),
}

/// How tightly an operator binds.
pub(crate) fn binding_power(operator: BinaryOperator) -> u8 {
    match operator {
        BinaryOperator::Or => 1,
        BinaryOperator::And => 2,
        BinaryOperator::Equal
        | BinaryOperator::NotEqual
        | BinaryOperator::Less
        | BinaryOperator::LessEqual
        | BinaryOperator::Greater
        | BinaryOperator::GreaterEqual => COMPARISON,
        BinaryOperator::Add | BinaryOperator::Subtract => 5,
        BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::FloorDivide
        | BinaryOperator::Remainder
        | BinaryOperator::MatrixMultiply => 6,
        BinaryOperator::Power => POWER,
    }
}

const NOT: u8 = 3;
const COMPARISON: u8 = 4;
const NEGATE: u8 = 7;
const POWER: u8 = 8;

impl Builder<'_> {
    pub(super) fn prefix(&self, part: &Part<'_>) -> Term {
        let operator = if part.as_str() == "-" {
            UnaryOperator::Negate
        } else {
            UnaryOperator::Not
        };
        Term::Prefix(Spanned::new(operator, self.span(part)))
    }

    pub(super) fn infix(&self, part: &Part<'_>) -> Option<Term> {
        let operator = BinaryOperator::ALL
            .into_iter()
            .find(|operator| operator.symbol() == part.as_str())?;
        Some(Term::Infix(Spanned::new(operator, self.span(part))))
    }

    /// Puts operators in order.
    pub(super) fn operation(&mut self, terms: Vec<Term>) -> Option<Expr> {
        self.climb(&mut terms.into_iter().peekable(), 0)
    }

    fn climb(&mut self, terms: &mut Peekable<IntoIter<Term>>, least: u8) -> Option<Expr> {
        let mut left = match terms.next()? {
            Term::Operand(operand) => operand,
            Term::Prefix(operator) => {
                let power = if operator.node == UnaryOperator::Not {
                    NOT
                } else {
                    NEGATE
                };
                let operand = Box::new(self.climb(terms, power)?);
                let span = operator.span.join(operand.span);
                Expr {
                    kind: ExprKind::Unary { operator, operand },
                    span,
                }
            }
            Term::Infix(_) => return None,
        };
        while let Some(Term::Infix(operator)) = terms.next_if(
            |term| matches!(term, Term::Infix(operator) if binding_power(operator.node) >= least),
        ) {
            let power = binding_power(operator.node);
            let right = self.climb(terms, if power == POWER { power } else { power + 1 })?;
            if power == COMPARISON {
                self.check_chain(&left, operator);
            }
            let span = left.span.join(right.span);
            left = Expr {
                kind: ExprKind::Binary {
                    operator,
                    left: Box::new(left),
                    right: Box::new(right),
                },
                span,
            };
        }
        Some(left)
    }

    fn check_chain(&mut self, left: &Expr, second: Spanned<BinaryOperator>) {
        let ExprKind::Binary {
            operator: first, ..
        } = &left.kind
        else {
            return;
        };
        if binding_power(first.node) == COMPARISON {
            self.report(
                Diagnostic::error("E0023", "comparisons do not chain")
                    .primary(second.span, "a second comparison")
                    .secondary(first.span, "the first")
                    .help("join two comparisons: `a < b and b < c`"),
            );
        }
    }
}
