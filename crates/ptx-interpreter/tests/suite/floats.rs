use crate::run::{one, refusal, word};

/// A float as it is written.
fn text(x: f32) -> String {
    format!("0f{:08x}", x.to_bits())
}

fn double(x: f64) -> String {
    format!("0d{:016x}", x.to_bits())
}

/// The bits of `opcode` of floats of 32 bits.
fn single(opcode: &str, operands: &[f32]) -> u32 {
    let operands: Vec<String> = operands.iter().map(|x| text(*x)).collect();
    word(&format!(
        "{opcode} %f1, {}; mov.b32 %r1, %f1;",
        operands.join(", ")
    ))
}

fn wide(opcode: &str, operands: &[f64]) -> u64 {
    let operands: Vec<String> = operands.iter().map(|x| double(*x)).collect();
    one(&format!(
        "{opcode} %d1, {}; st.global.f64 [%rd1], %d1;",
        operands.join(", ")
    ))
}

#[test]
fn arithmetic_is_rounded_to_nearest() {
    let cases = [
        (1.0, 3.0),
        (0.1, -0.7),
        (1e30, 1e-30),
        (16777216.0, 1.0),
        (1e-40, 3.0),
    ];
    for (a, b) in cases {
        assert_eq!(single("add.rn.f32", &[a, b]), (a + b).to_bits());
        assert_eq!(single("sub.rn.f32", &[a, b]), (a - b).to_bits());
        assert_eq!(single("mul.rn.f32", &[a, b]), (a * b).to_bits());
        assert_eq!(single("div.rn.f32", &[a, b]), (a / b).to_bits());
        let (c, d) = (f64::from(a) * 1.1, f64::from(b));
        assert_eq!(wide("add.rn.f64", &[c, d]), (c + d).to_bits());
        assert_eq!(wide("sub.rn.f64", &[c, d]), (c - d).to_bits());
        assert_eq!(wide("mul.rn.f64", &[c, d]), (c * d).to_bits());
        assert_eq!(wide("div.rn.f64", &[c, d]), (c / d).to_bits());
    }
    assert_eq!(single("sqrt.rn.f32", &[2.0]), 2f32.sqrt().to_bits());
    assert_eq!(single("rcp.rn.f32", &[3.0]), (1f32 / 3.0).to_bits());
    assert_eq!(wide("sqrt.rn.f64", &[2.0]), 2f64.sqrt().to_bits());
}

#[test]
fn a_fused_sum_is_rounded_once() {
    let (a, b) = (1.0 + f32::EPSILON, 1.0 - f32::EPSILON);
    // The product is 1 - 2^-46, which alone would be rounded to 1.
    assert_eq!(
        single("fma.rn.f32", &[a, b, -1.0]),
        (-(2f32.powi(-46))).to_bits()
    );
    let (c, d) = (1.0 + f64::EPSILON, 1.0 - f64::EPSILON);
    assert_eq!(
        wide("fma.rn.f64", &[c, d, -1.0]),
        (-(2f64.powi(-104))).to_bits()
    );
}

#[test]
fn signs_are_bits() {
    assert_eq!(single("neg.f32", &[0.0]), 0x8000_0000);
    assert_eq!(single("abs.f32", &[-2.5]), 2.5f32.to_bits());
    assert_eq!(single("copysign.f32", &[-1.0, 3.0]), (-3f32).to_bits());
    assert_eq!(wide("neg.f64", &[1.5]), (-1.5f64).to_bits());
    assert_eq!(wide("abs.f64", &[-1.5]), 1.5f64.to_bits());
}

#[test]
fn extremes_pass_over_nan_or_keep_it() {
    let nan = f32::NAN;
    for (a, b) in [(nan, 2.0), (2.0, nan)] {
        assert_eq!(single("min.f32", &[a, b]), 2f32.to_bits());
        assert_eq!(single("max.f32", &[a, b]), 2f32.to_bits());
        assert_eq!(single("min.NaN.f32", &[a, b]), 0x7fff_ffff);
        assert_eq!(single("max.NaN.f32", &[a, b]), 0x7fff_ffff);
    }
    assert_eq!(single("max.f32", &[nan, nan]), 0x7fff_ffff);
    for (a, b) in [(0.0, -0.0), (-0.0, 0.0)] {
        assert_eq!(single("min.f32", &[a, b]), 0x8000_0000);
        assert_eq!(single("max.f32", &[a, b]), 0);
    }
    assert_eq!(wide("min.f64", &[-1.0, 3.0]), (-1f64).to_bits());
    assert_eq!(wide("max.f64", &[f64::NAN, 3.0]), 3f64.to_bits());
}

#[test]
fn nan_of_arithmetic_has_one_form() {
    assert_eq!(
        single("add.rn.f32", &[f32::INFINITY, f32::NEG_INFINITY]),
        0x7fff_ffff
    );
    assert_eq!(
        single("mul.rn.f32", &[f32::from_bits(0xffc1_2345), 1.0]),
        0x7fff_ffff
    );
    assert_eq!(
        single("fma.rn.f32", &[f32::INFINITY, 0.0, 1.0]),
        0x7fff_ffff
    );
    assert_eq!(single("sqrt.rn.f32", &[-1.0]), 0x7fff_ffff);
}

#[test]
fn subnormals_become_zeros_where_asked() {
    assert_eq!(single("add.rn.ftz.f32", &[1e-40, 0.0]), 0);
    assert_eq!(single("mul.rn.ftz.f32", &[1e-20, -1e-20]), 0x8000_0000);
    assert_eq!(
        single("fma.rn.ftz.f32", &[1e-40, 1e30, 1.0]),
        1f32.to_bits()
    );
    assert_eq!(single("add.rn.f32", &[1e-40, 0.0]), 1e-40f32.to_bits());
}

#[test]
fn approximations_are_close() {
    let close = |opcode: &str, x: f32, exact: f64| {
        let found = f64::from(f32::from_bits(single(opcode, &[x])));
        assert!(
            (found - exact).abs() <= 2e-7 * exact.abs().max(1e-3),
            "{opcode}: {found} {exact}"
        );
    };
    let x = 0.7f32;
    let wide = f64::from(x);
    close("ex2.approx.f32", x, 2f64.powf(wide));
    close("lg2.approx.f32", x, wide.ln() / std::f64::consts::LN_2);
    close("rsqrt.approx.f32", x, wide.powf(-0.5));
    close("sin.approx.f32", x, wide.sin());
    close("cos.approx.f32", x, wide.cos());
    close("tanh.approx.f32", x, wide.tanh());
    close("rcp.approx.ftz.f32", x, 1.0 / wide);
    close("sqrt.approx.f32", x, wide.sqrt());
}

#[test]
fn roundings_must_be_said() {
    assert!(refusal("add.f32 %f1, %f2, %f3;").contains("may be contracted"));
    assert!(refusal("fma.f32 %f1, %f2, %f3, %f4;").contains("needs a rounding"));
    assert!(refusal("div.f32 %f1, %f2, %f3;").contains("needs a rounding"));
    assert!(refusal("add.rz.f32 %f1, %f2, %f3;").contains("with `.rn` alone"));
    assert!(refusal("add.rn.f32 %f1, %r2, %f3;").contains("`%r2` is a .u32"));
    assert!(refusal("add.rn.f32 %f1, %f2, 1;").contains("stands where a .f32 should"));
    assert!(refusal("mul.rn.ftz.f64 %d1, %d2, %d3;").contains("has `.f64`"));
}
