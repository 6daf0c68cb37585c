use crate::run::{one, refusal, word};

fn from_single(conversion: &str, x: f32) -> u32 {
    word(&format!(
        "mov.f32 %f1, 0f{:08x}; cvt.{conversion} %r1, %f1;",
        x.to_bits()
    ))
}

fn from_double(conversion: &str, x: f64) -> u64 {
    let load = format!("mov.f64 %d1, 0d{:016x};", x.to_bits());
    one(&format!(
        "{load} cvt.{conversion} %rd2, %d1; st.global.u64 [%rd1], %rd2;"
    ))
}

/// The bits of a float of 32 bits.
fn to_single(conversion: &str, load: &str) -> u32 {
    word(&format!(
        "{load} cvt.{conversion} %f1, %r2; mov.b32 %r1, %f1;"
    ))
}

#[test]
fn integers_are_cut_and_extended() {
    let convert = |to: &str, from: &str, bits: u32| {
        word(&format!("mov.u32 %r2, {bits}; cvt.{to}.{from} %r1, %r2;"))
    };
    assert_eq!(convert("u32", "u8", 0x1ff), 0xff);
    assert_eq!(convert("u32", "s8", 0x1ff), u32::MAX);
    assert_eq!(convert("s8", "s32", 0x180), -128i32 as u32);
    assert_eq!(convert("u8", "u32", 0x180), 0x80);
    assert_eq!(convert("u16", "s32", -1i32 as u32), 0xffff);
    let wide = |conversion: &str| {
        let body = format!("mov.s32 %s1, -2; cvt.{conversion} %rd2, %s1;");
        one(&format!("{body} st.global.u64 [%rd1], %rd2;"))
    };
    assert_eq!(wide("s64.s32"), -2i64 as u64);
    assert_eq!(wide("u64.u32"), 0xffff_fffe);
    assert_eq!(wide("u64.s32"), -2i64 as u64);
    assert_eq!(word("mov.u64 %rd2, 0x100000007; cvt.u32.u64 %r1, %rd2;"), 7);
}

#[test]
fn saturation_keeps_the_nearest_integer() {
    let convert = |to: &str, from: &str, value: i32| {
        word(&format!(
            "mov.s32 %s1, {value}; cvt.sat.{to}.{from} %r1, %s1;"
        ))
    };
    assert_eq!(convert("u8", "s32", -5), 0);
    assert_eq!(convert("u8", "s32", 300), 255);
    assert_eq!(convert("s8", "s32", -300), -128i32 as u32);
    assert_eq!(convert("s8", "u32", -1), 127);
    assert_eq!(convert("s32", "u32", -1), i32::MAX as u32);
}

#[test]
fn floats_become_integers_as_the_rounding_says() {
    for (x, rounded) in [
        (2.5f32, [2, 2, 2, 3]),
        (3.5, [4, 3, 3, 4]),
        (-2.5, [-2, -2, -3, -2]),
        (-0.75, [-1, 0, -1, 0]),
    ] {
        for (rounding, wanted) in ["rni", "rzi", "rmi", "rpi"].into_iter().zip(rounded) {
            let conversion = format!("{rounding}.s32.f32");
            assert_eq!(from_single(&conversion, x), wanted as u32, "{x} {rounding}");
            let conversion = format!("{rounding}.s64.f64");
            assert_eq!(
                from_double(&conversion, f64::from(x)),
                i64::from(wanted) as u64
            );
        }
    }
}

#[test]
fn floats_out_of_range_become_the_nearest_integer() {
    assert_eq!(from_single("rzi.s32.f32", 3e9), i32::MAX as u32);
    assert_eq!(from_single("rzi.s32.f32", -3e9), i32::MIN as u32);
    assert_eq!(from_single("rzi.u32.f32", -1.0), 0);
    assert_eq!(from_single("rzi.u32.f32", f32::INFINITY), u32::MAX);
    assert_eq!(from_single("rzi.s8.f32", 200.0), 127);
    assert_eq!(from_single("rzi.u8.f32", 300.0), 255);
    assert_eq!(from_double("rzi.s64.f64", 1e300), i64::MAX as u64);
    assert_eq!(
        from_double("rzi.u64.f64", 1.8e19),
        18_000_000_000_000_000_000
    );
    assert_eq!(from_single("rzi.s32.f32", f32::NAN), 0);
    assert_eq!(from_double("rzi.s64.f64", f64::NAN), 1 << 63);
}

#[test]
fn integers_become_floats_as_the_rounding_says() {
    let load = "mov.u32 %r2, 0x1000001;"; // 2^24 + 1
    for (rounding, wanted) in [
        ("rn", 16777216f32),
        ("rz", 16777216.0),
        ("rm", 16777216.0),
        ("rp", 16777218.0),
    ] {
        let found = to_single(&format!("{rounding}.f32.u32"), load);
        assert_eq!(found, wanted.to_bits(), "{rounding}");
    }
    assert_eq!(
        to_single("rn.f32.s32", "mov.u32 %r2, -3;"),
        (-3f32).to_bits()
    );
    assert_eq!(
        to_single("rn.f32.u32", "mov.u32 %r2, -1;"),
        (u32::MAX as f32).to_bits()
    );
    assert_eq!(
        to_single("rn.f32.u8", "mov.u32 %r2, 0x1fe;"),
        254f32.to_bits()
    );
    let body = "mov.s64 %sd1, -9007199254740993; cvt.rn.f64.s64 %d1, %sd1;
        st.global.f64 [%rd1], %d1;";
    assert_eq!(one(body), (-9007199254740992f64).to_bits());
    // Rounded once, not to 64 bits first.
    let x = (1u64 << 60) + (1 << 36) + 1;
    let body = format!("mov.u64 %rd2, {x}; cvt.rn.f32.u64 %f1, %rd2; mov.b32 %r1, %f1;");
    assert_eq!(word(&body), (x as f32).to_bits());
}

#[test]
fn floats_change_their_width() {
    let body = "mov.f64 %d1, 0d3fd5555555555555; cvt.rn.f32.f64 %f1, %d1; mov.b32 %r1, %f1;";
    assert_eq!(word(body), ((1.0f64 / 3.0) as f32).to_bits());
    let body = "mov.f64 %d1, 0d3fd5555555555555; cvt.rp.f32.f64 %f1, %d1; mov.b32 %r1, %f1;";
    assert_eq!(word(body), ((1.0f64 / 3.0) as f32).to_bits());
    let body = "mov.f32 %f1, 0f3eaaaaab; cvt.f64.f32 %d1, %f1; st.global.f64 [%rd1], %d1;";
    assert_eq!(one(body), f64::from(f32::from_bits(0x3eaa_aaab)).to_bits());
    let half = |x: f32| {
        let load = format!("mov.f32 %f1, 0f{:08x};", x.to_bits());
        let both = "cvt.rn.f16.f32 %h1, %f1; cvt.rn.bf16.f32 %h2, %f1; mov.b32 %r1, {%h1, %h2};";
        word(&format!("{load} {both}"))
    };
    assert_eq!(half(1.0), 0x3f80_3c00);
    assert_eq!(half(65520.0), 0x4780_7c00);
    assert_eq!(half(1.0 + 2f32.powi(-11)), 0x3f80_3c00);
    assert_eq!(half(1.0 + 3.0 * 2f32.powi(-11)), 0x3f80_3c02);
    let body = "mov.b16 %h1, 0x3555; cvt.f32.f16 %f1, %h1; mov.b32 %r1, %f1;";
    assert_eq!(word(body), 0.333_251_95f32.to_bits());
    let body = "mov.f32 %f1, 0f3f800000; mov.f32 %f2, 0fc0000000;
        cvt.rn.bf16x2.f32 %b1, %f1, %f2; mov.b32 %r1, %b1;";
    assert_eq!(word(body), 0x3f80_c000);
}

#[test]
fn floats_become_integral_or_stay_within_one() {
    let float = |conversion: &str, x: f32| {
        let load = format!("mov.f32 %f1, 0f{:08x};", x.to_bits());
        f32::from_bits(word(&format!(
            "{load} cvt.{conversion} %f2, %f1; mov.b32 %r1, %f2;"
        )))
    };
    assert_eq!(float("rni.f32.f32", 2.5), 2.0);
    assert_eq!(float("rmi.f32.f32", -0.5), -1.0);
    assert_eq!(float("rpi.f32.f32", 0.5), 1.0);
    assert_eq!(float("rzi.f32.f32", -0.5).to_bits(), 0x8000_0000);
    assert_eq!(float("sat.f32.f32", 2.0), 1.0);
    assert_eq!(float("sat.f32.f32", -2.0), 0.0);
    assert_eq!(float("sat.f32.f32", f32::NAN), 0.0);
}

#[test]
fn roundings_and_types_are_checked() {
    assert!(refusal("cvt.s32.f32 %r1, %f1;").contains("needs one of `.rni"));
    assert!(refusal("cvt.rn.s32.f32 %r1, %f1;").contains("needs one of `.rni"));
    assert!(refusal("cvt.f32.s32 %f1, %s1;").contains("needs one of `.rn"));
    assert!(refusal("cvt.f32.f64 %f1, %d1;").contains("needs one of `.rn"));
    assert!(refusal("cvt.rn.f64.f32 %d1, %f1;").contains("needs no rounding"));
    assert!(refusal("cvt.rn.u32.u64 %r1, %rd1;").contains("needs no rounding"));
    assert!(refusal("cvt.f32.bf16 %f1, %h1;").contains("needs `sm_90`"));
    assert!(refusal("cvt.rn.f32.s32 %f1, %f2;").contains("`%f2` is a .f32"));
    assert!(refusal("cvt.u64.u32 %r1, %r2;").contains("`%r1` is a .u32"));
}
