use crate::run::{one, refusal, run, word};

fn wide(body: &str) -> u64 {
    one(&format!("{body} st.global.u64 [%rd1], %rd2;"))
}

#[test]
fn sums_and_products_wrap() {
    assert_eq!(word("mov.u32 %r2, 0xffffffff; add.u32 %r1, %r2, 3;"), 2);
    assert_eq!(word("mov.u32 %r2, 1; sub.u32 %r1, %r2, 3;"), -2i32 as u32);
    assert_eq!(
        word("mov.u32 %r2, 0x10001; mul.lo.u32 %r1, %r2, 0x10000;"),
        0x10000
    );
    assert_eq!(
        word("mov.u32 %r2, 0x10001; mul.hi.u32 %r1, %r2, 0x30000;"),
        3
    );
    assert_eq!(word("mov.u32 %r2, -2; mul.hi.s32 %r1, %r2, 3;"), u32::MAX);
    assert_eq!(word("mov.u32 %r2, 7; mad.lo.u32 %r1, %r2, 6, %r2;"), 49);
    assert_eq!(
        word("mov.u32 %r2, 0x80000000; mad.hi.u32 %r1, %r2, 6, %r2;"),
        0x80000003
    );
}

#[test]
fn products_are_twice_as_wide_where_asked() {
    assert_eq!(
        wide("mov.s32 %s1, -5; mul.wide.s32 %rd2, %s1, 7;"),
        -35i64 as u64
    );
    assert_eq!(
        wide("mov.u32 %r2, 0xffffffff; mul.wide.u32 %rd2, %r2, 2;"),
        0x1_ffff_fffe
    );
    assert_eq!(wide("mov.s32 %s1, -5; mad.wide.s32 %rd2, %s1, 7, 100;"), 65);
    assert_eq!(
        word("mov.b16 %h1, 0xffff; mul.wide.u16 %r1, %h1, 2;"),
        0x1_fffe
    );
    assert_eq!(
        word("mov.b16 %h1, 0xffff; mul.wide.s16 %r1, %h1, 2;"),
        -2i32 as u32
    );
}

#[test]
fn sixteen_bits_wrap_at_sixteen() {
    let body = "mov.b16 %h1, 0xffff; add.u16 %h2, %h1, 2; mul.lo.s16 %h3, %h1, %h1;
        mov.b32 %r1, {%h2, %h3};";
    assert_eq!(word(body), 0x0001_0001);
    assert_eq!(
        word("mov.b16 %h1, 0x8000; neg.s16 %h1, %h1; cvt.u32.u16 %r1, %h1;"),
        0x8000
    );
}

#[test]
fn quotients_are_cut_toward_zero() {
    assert_eq!(word("mov.s32 %s1, -7; div.s32 %r1, %s1, 2;"), -3i32 as u32);
    assert_eq!(word("mov.s32 %s1, -7; rem.s32 %r1, %s1, 2;"), -1i32 as u32);
    assert_eq!(word("mov.u32 %r2, -7; div.u32 %r1, %r2, 2;"), 0x7fff_fffc);
    assert_eq!(
        wide("mov.u64 %rd3, -7; rem.u64 %rd2, %rd3, 10;"),
        (-7i64 as u64) % 10
    );
    assert_eq!(wide("mov.s64 %sd3, -7; div.s64 %rd2, %sd3, -2;"), 3);
}

#[test]
fn a_quotient_by_zero_is_nothing_sensible() {
    let body = "mov.u32 %r2, 1; sub.u32 %r3, %r0, 1; div.u32 %r1, %r2, %r3;
        setp.eq.u32 %p1, %r0, 1; selp.u32 %r1, 9, %r1, %p1; st.global.u32 [%rd1], %r1;";
    // Where it is not chosen, it does no harm.
    assert_eq!(run(body, 1, 3).unwrap()[1..], [9, 1]);
    let body = "mov.u32 %r2, 1; div.u32 %r1, %r2, %r0; st.global.u32 [%rd1], %r1;";
    let fault = run(body, 1, 3).unwrap_err().to_string();
    assert!(
        fault.contains("thread (0, 0, 0)") && fault.contains("what is stored"),
        "{fault}"
    );
}

#[test]
fn the_lesser_and_the_greater_follow_the_sign() {
    assert_eq!(word("mov.u32 %r2, -1; min.s32 %r1, %r2, 5;"), u32::MAX);
    assert_eq!(word("mov.u32 %r2, -1; min.u32 %r1, %r2, 5;"), 5);
    assert_eq!(word("mov.u32 %r2, -1; max.s32 %r1, %r2, 5;"), 5);
    assert_eq!(wide("mov.u64 %rd3, -1; max.s64 %rd2, %rd3, 5;"), 5);
    assert_eq!(word("mov.s32 %s1, -5; abs.s32 %r1, %s1;"), 5);
    assert_eq!(
        word("mov.s32 %s1, 0x80000000; abs.s32 %r1, %s1;"),
        0x8000_0000
    );
    assert_eq!(word("mov.s32 %s1, 5; neg.s32 %r1, %s1;"), -5i32 as u32);
}

#[test]
fn four_products_of_bytes_are_added() {
    let bytes = "mov.b32 %b1, 0xff020304; mov.b32 %b2, 0x01010180;";
    // As signed bytes: (4, 3, 2, -1) and (-128, 1, 1, 1).
    let sum = -512 + 3 + 2 - 1 + 10;
    assert_eq!(
        word(&format!("{bytes} dp4a.s32.s32 %r1, %b1, %b2, 10;")),
        sum as u32
    );
    let sum = 4 * 128 + 3 + 2 + 255;
    assert_eq!(
        word(&format!("{bytes} dp4a.u32.u32 %r1, %b1, %b2, 0;")),
        sum
    );
    let sum = 4 * 128 + 3 + 2 - 1;
    assert_eq!(
        word(&format!("{bytes} dp4a.s32.u32 %r1, %b1, %b2, 0;")),
        sum
    );
}

#[test]
fn types_are_checked() {
    assert!(refusal("add.u32 %r1, %f1, 1;").contains("`%f1` is a .f32, where a .u32"));
    assert!(refusal("add.u32 %r1, %rd1, 1;").contains("`%rd1` is a .u64"));
    assert!(refusal("add.u32 %r1, %r2;").contains("takes 3 operands, not 2"));
    assert!(refusal("add.b32 %r1, %r2, 1;").contains("has `.b32`"));
    assert!(refusal("mul.u32 %r1, %r2, 3;").contains("`.lo`"));
    assert!(refusal("neg.u32 %r1, %r2;").contains("has `.u32`"));
    assert!(refusal("add.u32 %r1, %r2, 0x100000000;").contains("does not fit"));
    assert!(refusal("add.u32 %r1, %tid.x, 1;").contains("read by `mov` and `cvt` alone"));
    assert!(refusal("add.u32.x %r1, %r2, 1;").contains("has no `.x`"));
}
