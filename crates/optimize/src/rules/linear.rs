use std::collections::BTreeSet;

use eyas_ir::{Einsum, Op};

use crate::pattern::Pattern;
use crate::rule::{FLOATS, Family, INTEGERS, Rule};
use crate::rules::layout::contraction;
use crate::term::Kind;

use Pattern as P;

/// The order of products of matrices.
pub(super) fn rules() -> Vec<Rule> {
    vec![
        associate("associate-right", true, &FLOATS).fast(),
        associate("associate-left", false, &FLOATS).fast(),
        associate("associate-right-integer", true, &INTEGERS[..2]),
        associate("associate-left-integer", false, &INTEGERS[..2]),
    ]
}

fn product(operands: [Pattern; 2]) -> Pattern {
    P::of(
        [Kind::Contraction],
        "contraction",
        |op| matches!(op, Op::Contraction { epilogue: None, .. }),
        operands,
    )
}

/// `(a @ b) @ c` is `a @ (b @ c)`, and back.
fn associate(name: &str, to_right: bool, dtypes: &'static [eyas_tensor::DType]) -> Rule {
    let (integers, pattern) = (
        dtypes[0].is_integer(),
        match to_right {
            true => product([product([P::any(0), P::any(1)]), P::any(2)]),
            false => product([P::any(0), product([P::any(1), P::any(2)])]),
        },
    );
    Rule::new(
        name,
        Family::Linear,
        "Three factors may be multiplied in either order; for floats that changes the sums.",
        pattern,
        move |matched, builder| {
            let (
                Op::Contraction {
                    spec: outer,
                    accumulator,
                    ..
                },
                Op::Contraction {
                    spec: inner,
                    accumulator: other,
                    ..
                },
            ) = (matched.op(0)?, matched.op(1)?)
            else {
                return None;
            };
            let root = builder.ty(matched.root()).dtype;
            if accumulator != other || root.is_integer() != integers {
                return None;
            }
            // Products of integers in a wider accumulator come back wider.
            if integers && builder.ty(matched.value(0)).dtype != root {
                return None;
            }
            let letters = three(outer, inner, to_right)?;
            let [a, b, c] = [0, 1, 2].map(|number| matched.value(number));
            // Of an empty sum nothing is left of a NaN that the other order multiplies by 0.
            let factors = [(a, &letters.a), (b, &letters.b), (c, &letters.c)];
            let empty = factors.iter().any(|(id, own)| {
                let shape = builder.ty(*id).shape;
                let mut axes = own.iter().zip(&shape);
                axes.any(|(letter, extent)| extent.is(0) && !letters.output.contains(letter))
            });
            if empty && !integers {
                return None;
            }
            let accumulator = *accumulator;
            match to_right {
                true => {
                    let kept = meeting(&letters.b, &letters.c, &letters.a, &letters.output);
                    let inner = Einsum::new(&letters.b, &letters.c, &kept).ok()?;
                    let outer = Einsum::new(&letters.a, &kept, &letters.output).ok()?;
                    let right = contraction(inner, accumulator, builder, b, c)?;
                    contraction(outer, accumulator, builder, a, right)
                }
                false => {
                    let kept = meeting(&letters.a, &letters.b, &letters.c, &letters.output);
                    let inner = Einsum::new(&letters.a, &letters.b, &kept).ok()?;
                    let outer = Einsum::new(&kept, &letters.c, &letters.output).ok()?;
                    let left = contraction(inner, accumulator, builder, a, b)?;
                    contraction(outer, accumulator, builder, left, c)
                }
            }
        },
        move |instance| {
            let [i, j, k, l] = [(); 4].map(|()| instance.extent());
            let (a, b, c) = (
                instance.input(&[i, j])?,
                instance.input(&[j, k])?,
                instance.input(&[k, l])?,
            );
            match to_right {
                true => {
                    let left = instance.contract("ab,bc->ac", a, b)?;
                    instance.contract("ab,bc->ac", left, c)
                }
                false => {
                    let right = instance.contract("ab,bc->ac", b, c)?;
                    instance.contract("ab,bc->ac", a, right)
                }
            }
        },
    )
    .of(dtypes)
    .given(
        "no epilogue stands between, the accumulators are one type, and of floats no axis summed \
         over is known to be empty",
    )
}

/// The letters of three factors and of their product.
struct Letters {
    a: Vec<char>,
    b: Vec<char>,
    c: Vec<char>,
    output: Vec<char>,
}

/// One naming for two nested contractions: the outer one's letters, and fresh ones for what the
/// inner one sums over.
fn three(outer: &Einsum, inner: &Einsum, inner_is_left: bool) -> Option<Letters> {
    let named = if inner_is_left {
        &outer.left
    } else {
        &outer.right
    };
    let used: BTreeSet<char> = outer.left.iter().chain(&outer.right).copied().collect();
    let mut fresh = ('a'..='z')
        .chain('A'..='Z')
        .filter(|letter| !used.contains(letter));
    let mut names: Vec<(char, char)> = inner
        .output
        .iter()
        .copied()
        .zip(named.iter().copied())
        .collect();
    for letter in inner.contracted() {
        names.push((letter, fresh.next()?));
    }
    let rename = |letters: &[char]| -> Option<Vec<char>> {
        let name = |letter: &char| {
            let found = names.iter().find(|(old, _)| old == letter);
            found.map(|(_, new)| *new)
        };
        letters.iter().map(name).collect()
    };
    let (left, right) = (rename(&inner.left)?, rename(&inner.right)?);
    let output = outer.output.clone();
    Some(match inner_is_left {
        true => Letters {
            a: left,
            b: right,
            c: outer.right.clone(),
            output,
        },
        false => Letters {
            a: outer.left.clone(),
            b: left,
            c: right,
            output,
        },
    })
}

/// The letters of two factors that a third or the output still needs.
fn meeting(first: &[char], second: &[char], third: &[char], output: &[char]) -> Vec<char> {
    let mut kept: Vec<char> = Vec::new();
    for letter in first.iter().chain(second) {
        if (third.contains(letter) || output.contains(letter)) && !kept.contains(letter) {
            kept.push(*letter);
        }
    }
    kept
}
