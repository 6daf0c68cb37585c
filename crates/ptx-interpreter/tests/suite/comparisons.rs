use crate::run::{refusal, run, word};

/// Whether a comparison holds.
fn holds(relation: &str, a: &str, b: &str) -> bool {
    let body = format!("setp.{relation} %p1, {a}, {b}; selp.u32 %r1, 1, 0, %p1;");
    word(&body) == 1
}

#[test]
fn integers_compare_by_their_sign() {
    for (relation, less, equal, greater) in [
        ("eq", false, true, false),
        ("ne", true, false, true),
        ("lt", true, false, false),
        ("le", true, true, false),
        ("gt", false, false, true),
        ("ge", false, true, true),
    ] {
        for kind in ["s32", "u32", "s64", "u64", "s16", "u16", "f32", "f64"] {
            let number = |value: i32| match kind {
                "f32" => format!("0f{:08x}", (value as f32).to_bits()),
                "f64" => format!("0d{:016x}", f64::from(value).to_bits()),
                _ => value.to_string(),
            };
            let relation = format!("{relation}.{kind}");
            assert_eq!(holds(&relation, &number(3), &number(5)), less, "{relation}");
            assert_eq!(
                holds(&relation, &number(5), &number(5)),
                equal,
                "{relation}"
            );
            assert_eq!(
                holds(&relation, &number(5), &number(3)),
                greater,
                "{relation}"
            );
        }
    }
    assert!(holds("lt.s32", "-1", "1") && !holds("lt.u32", "-1", "1"));
    assert!(holds("lt.s16", "-1", "1") && !holds("lt.u16", "-1", "1"));
    assert!(holds("hi.u32", "-1", "1") && holds("lo.u64", "1", "-1"));
    assert!(holds("ls.u32", "1", "1") && holds("hs.u32", "1", "1"));
}

#[test]
fn nothing_holds_of_nan_but_what_says_so() {
    let (nan, one) = ("0f7fc00000", "0f3f800000");
    for relation in ["eq", "ne", "lt", "le", "gt", "ge", "num"] {
        assert!(!holds(&format!("{relation}.f32"), nan, one), "{relation}");
        assert!(!holds(&format!("{relation}.f32"), one, nan), "{relation}");
    }
    for relation in ["equ", "neu", "ltu", "leu", "gtu", "geu", "nan"] {
        assert!(holds(&format!("{relation}.f32"), nan, one), "{relation}");
    }
    assert!(holds("num.f32", one, one) && !holds("nan.f32", one, one));
    assert!(holds("ne.f32", "0f40000000", one) && !holds("neu.f32", one, one));
    assert!(holds("eq.f32", "0f80000000", "0f00000000"));
}

#[test]
fn a_comparison_joins_a_condition() {
    let body = "setp.gt.u32 %p1, %r0, 0; setp.lt.and.u32 %p2|%p3, %r0, 2, %p1;
        setp.lt.or.u32 %p4, %r0, 2, !%p1; setp.lt.xor.u32 %p5, %r0, 2, %p1;
        selp.u32 %r1, 1, 0, %p2; selp.u32 %r2, 2, 0, %p3; selp.u32 %r3, 4, 0, %p4;
        selp.u32 %r4, 8, 0, %p5; add.u32 %r1, %r1, %r2; add.u32 %r1, %r1, %r3;
        add.u32 %r1, %r1, %r4; st.global.u32 [%rd1], %r1;";
    // Less than 2 and more than 0; not less and more; less or 0; exactly one of less, more.
    assert_eq!(run(body, 1, 4).unwrap(), [12, 5, 10, 10]);
}

#[test]
fn one_of_two_is_chosen_a_lane() {
    let body = "and.b32 %r1, %r0, 1; setp.eq.u32 %p1, %r1, 0; mov.u64 %rd2, 7;
        selp.u64 %rd3, %rd2, 0x100000000, %p1; st.global.u64 [%rd1], %rd3;";
    assert_eq!(run(body, 1, 3).unwrap(), [7, 1 << 32, 7]);
    let body = "setp.eq.u32 %p1, %r0, 0; selp.f32 %f1, 0f3f800000, 0f40000000, %p1;
        st.global.f32 [%rd1], %f1;";
    assert_eq!(run(body, 1, 2).unwrap(), [0x3f80_0000, 0x4000_0000]);
}

#[test]
fn properties_of_floats_are_tested() {
    let has = |property: &str, x: f32| {
        let bits = x.to_bits();
        let test = format!("testp.{property}.f32 %p1, 0f{bits:08x};");
        word(&format!("{test} selp.u32 %r1, 1, 0, %p1;")) == 1
    };
    assert!(has("finite", 1.0) && !has("finite", f32::INFINITY) && !has("finite", f32::NAN));
    assert!(has("infinite", f32::NEG_INFINITY) && !has("infinite", f32::MAX));
    assert!(has("notanumber", f32::NAN) && has("number", f32::INFINITY));
    assert!(has("normal", 1.0) && !has("normal", 1e-40) && !has("normal", 0.0));
    assert!(has("subnormal", 1e-40) && !has("subnormal", 0.0) && !has("subnormal", 1.0));
}

#[test]
fn types_are_checked() {
    assert!(refusal("setp.lt.b32 %p1, %r1, %r2;").contains("does not compare .b32"));
    assert!(refusal("setp.lo.s32 %p1, %r1, %r2;").contains("does not compare .s32"));
    assert!(refusal("setp.ltu.u32 %p1, %r1, %r2;").contains("does not compare .u32"));
    assert!(refusal("setp.lt.u32 %r1, %r1, %r2;").contains("`%r1` is a .u32, where a .pred"));
    assert!(refusal("selp.u32 %r1, %r1, %r2, %r3;").contains("where a .pred"));
    assert!(refusal("setp.lt.f32 %p1, %f1, %r2;").contains("`%r2` is a .u32"));
}
