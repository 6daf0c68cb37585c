//! Contractions with axes around rows and columns, and several that are summed over.

use std::collections::BTreeMap;

use eyas_cpu::panel_width;
use eyas_ir::{BinaryFunction, Body, BodyBuilder};
use eyas_kernels::{Access, Contraction, RightLayout, Role, Work};
use eyas_tensor::{DType, Dim, Tensor};
use proptest::prelude::*;

use crate::case::{Case, access, assert_same, dim, floats, isas, kernel};
use crate::contraction::packed;

const F32: DType = DType::F32;

/// B, H, S, T and D.
type Extents = [usize; 5];

fn scaled() -> Body {
    let mut b = BodyBuilder::new();
    let sum = b.input(F32);
    let scale = b.float(F32, 0.125);
    let result = b.binary(BinaryFunction::Multiply, sum, scale);
    b.finish(&[result])
}

fn unchanged() -> Body {
    let mut b = BodyBuilder::new();
    let sum = b.input(F32);
    b.finish(&[sum])
}

/// Text of dims with every symbol that is not to be one replaced.
fn named(text: &str, extents: Extents, symbolic: bool) -> String {
    let mut text = text.to_owned();
    if !symbolic {
        for (name, value) in ["B", "H", "S", "T", "D"].into_iter().zip(extents) {
            text = text.replace(name, &value.to_string());
        }
    }
    text
}

struct Sketch<'a> {
    batch: &'a [&'a str],
    rows: &'a [&'a str],
    columns: &'a [&'a str],
    contracted: &'a [&'a str],
    left: &'a [&'a str],
    right: &'a [&'a str],
    write: &'a [&'a str],
    /// Elements of left, right and result.
    lengths: [usize; 3],
    epilogue: Body,
}

fn case(sketch: &Sketch<'_>, extents: Extents, symbolic: bool) -> Case {
    let names = ["B", "H", "S", "T", "D"].into_iter().zip(extents);
    let bindings: BTreeMap<String, i64> = names
        .map(|(name, value)| (name.to_owned(), value as i64))
        .collect();
    let texts = |list: &[&str]| -> Vec<String> {
        list.iter()
            .map(|text| named(text, extents, symbolic))
            .collect()
    };
    let dims = |list: &[&str]| -> Vec<Dim> { texts(list).iter().map(|text| dim(text)).collect() };
    let at = |argument: usize, strides: &[&str]| {
        let strides = texts(strides);
        let strides: Vec<&str> = strides.iter().map(String::as_str).collect();
        access(argument, "0", &strides)
    };
    let work = Work::Contraction(Contraction {
        batch: dims(sketch.batch),
        rows: dims(sketch.rows),
        columns: dims(sketch.columns),
        contracted: dims(sketch.contracted),
        left: at(0, sketch.left),
        right: at(1, sketch.right),
        right_layout: RightLayout::Strided,
        accumulator: F32,
        epilogue: sketch.epilogue.clone(),
        reads: Vec::new(),
        write: at(2, sketch.write),
    });
    let lengths = sketch.lengths;
    let arguments = vec![
        floats(1, lengths[0]),
        floats(2, lengths[1]),
        Tensor::zeros(F32, &[lengths[2]]).unwrap(),
    ];
    let mut kernel = kernel(&[F32; 3], 1, &lengths, work);
    kernel.arguments[2].role = Role::Write;
    Case {
        kernel,
        arguments,
        bindings,
    }
}

/// All positions of a space, the last axis changing fastest.
fn positions(extents: &[i64]) -> Vec<Vec<i64>> {
    let mut all = vec![Vec::new()];
    for &extent in extents {
        let longer = |position: &Vec<i64>| {
            let position = position.clone();
            (0..extent).map(move |place| [&position[..], &[place]].concat())
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

fn expected(case: &Case) -> Tensor {
    let Work::Contraction(c) = &case.kernel.work else {
        unreachable!()
    };
    let [batch, rows, columns, contracted] = [&c.batch, &c.rows, &c.columns, &c.contracted]
        .map(|group| positions(&group.iter().map(|dim| case.value(dim)).collect::<Vec<_>>()));
    let (left, right) = (&case.arguments[0], &case.arguments[1]);
    let (left, right) = (left.as_f32().unwrap(), right.as_f32().unwrap());
    let mut result = case.arguments[2].clone();
    let scale = if c.epilogue.nodes.len() > 1 {
        0.125
    } else {
        1.0
    };
    let at = |access: &Access, parts: [&[i64]; 3]| case.place(access, &parts.concat());
    for batch in &batch {
        for row in &rows {
            for column in &columns {
                let mut sum = 0f32;
                for k in &contracted {
                    let a = left[at(&c.left, [batch, row, k])];
                    sum = a.mul_add(right[at(&c.right, [batch, column, k])], sum);
                }
                let place = at(&c.write, [batch, row, column]);
                result.as_f32_mut().unwrap()[place] = sum * scale;
            }
        }
    }
    result
}

fn check(case: &Case, what: &str) {
    let expected = expected(case);
    for isa in isas() {
        let what = format!("{isa} {what}");
        let function = case.compile(isa).expect("a wide form");
        let found = &case.assert_as_twin(&function, isa, &what)[2];
        assert_same(found, &expected, &what);
    }
}

fn scores(extents: Extents) -> Sketch<'static> {
    let [b, h, s, t, d] = extents;
    Sketch {
        batch: &["B", "H"],
        rows: &["S"],
        columns: &["T"],
        contracted: &["D"],
        left: &["S*H*D", "D", "H*D", "1"],
        right: &["T*H*D", "D", "H*D", "1"],
        write: &["H*S*T", "S*T", "T", "1"],
        lengths: [b * h * s * d, b * h * t * d, b * h * s * t],
        epilogue: scaled(),
    }
}

fn mixed(extents: Extents) -> Sketch<'static> {
    let [b, h, s, t, d] = extents;
    Sketch {
        batch: &["B", "H"],
        rows: &["S"],
        columns: &["D"],
        contracted: &["T"],
        left: &["H*S*T", "S*T", "T", "1"],
        right: &["T*H*D", "D", "1", "H*D"],
        write: &["S*H*D", "D", "H*D", "1"],
        lengths: [b * h * s * t, b * h * t * d, b * h * s * d],
        epilogue: unchanged(),
    }
}

fn projected(extents: Extents) -> Sketch<'static> {
    let [b, h, s, t, d] = extents;
    Sketch {
        batch: &[],
        rows: &["B", "S"],
        columns: &["T"],
        contracted: &["H", "D"],
        left: &["H*S*D", "D", "S*D", "1"],
        right: &["1", "D*T", "T"],
        write: &["S*T", "T", "1"],
        lengths: [b * h * s * d, h * d * t, b * s * t],
        epilogue: scaled(),
    }
}

/// Both operands' summed axes apart, those of the right operand innermost.
fn projected_back(extents: Extents) -> Sketch<'static> {
    let [b, h, s, t, d] = extents;
    Sketch {
        right: &["H*D", "D", "1"],
        lengths: [b * h * s * d, h * d * t, b * s * t],
        left: &["H*S*D", "D", "S*D", "1"],
        ..projected(extents)
    }
}

/// The same with gaps between columns, so that summed axes do not become one.
fn apart(extents: Extents) -> Sketch<'static> {
    let [b, h, s, t, d] = extents;
    Sketch {
        right: &["D", "D*T", "1"],
        lengths: [b * h * s * d, h * d * t, b * s * t],
        ..projected(extents)
    }
}

/// The left operand turned, so that neither of its strides is one.
fn turned(extents: Extents) -> Sketch<'static> {
    let [b, _, s, t, d] = extents;
    Sketch {
        batch: &[],
        rows: &["S"],
        columns: &["T"],
        contracted: &["D"],
        left: &["B", "S*B"],
        right: &["2*D", "2"],
        write: &["T", "1"],
        lengths: [b * s * d, 2 * t * d, s * t],
        epilogue: unchanged(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn axes_around_and_several_summed_over(
        extents in [1usize..3, 1usize..4, 1usize..12, 1usize..80, 1usize..40],
        symbolic: bool,
    ) {
        for sketch in [scores, mixed, projected, projected_back, apart, turned] {
            let case = case(&sketch(extents), extents, symbolic);
            check(&case, &format!("{extents:?} symbolic {symbolic}"));
        }
    }
}

#[test]
fn a_packed_operand_serves_several_axes() {
    let extents = [2, 3, 5, 70, 9];
    for symbolic in [false, true] {
        let case = case(&projected(extents), extents, symbolic);
        let expected = expected(&case);
        for isa in isas() {
            let panel = panel_width(isa).unwrap();
            let mut packing = Case {
                kernel: case.kernel.clone(),
                arguments: case.arguments.clone(),
                bindings: case.bindings.clone(),
            };
            let right = case.arguments[1].as_f32().unwrap();
            packing.arguments[1] = packed(right, 3 * 9, 70, panel);
            let length = packing.arguments[1].element_count();
            packing.kernel.arguments[1].length = Dim::from(length as i64);
            let Work::Contraction(contraction) = &mut packing.kernel.work else {
                unreachable!()
            };
            contraction.right_layout = RightLayout::Panels(panel);
            contraction.right = access(1, "0", &["0", "0", "0"]);
            assert_same(&packing.run(isa, 1)[2], &expected, &isa.to_string());
        }
    }
}
