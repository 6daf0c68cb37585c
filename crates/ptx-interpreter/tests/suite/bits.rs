use crate::run::{one, refusal, run, word};

fn wide(body: &str) -> u64 {
    one(&format!("{body} st.global.b64 [%rd1], %bd1;"))
}

#[test]
fn logic_is_of_all_bits() {
    let load = "mov.b32 %b1, 0x0ff0; mov.b32 %b2, 0x3c3c;";
    for (opcode, wanted) in [("and", 0x0c30), ("or", 0x3ffc), ("xor", 0x33cc)] {
        assert_eq!(word(&format!("{load} {opcode}.b32 %r1, %b1, %b2;")), wanted);
    }
    assert_eq!(word("mov.b32 %b1, 0x0ff0; not.b32 %r1, %b1;"), !0x0ff0);
    assert_eq!(
        word("mov.b16 %h1, 0x0ff0; not.b16 %h1, %h1; cvt.u32.u16 %r1, %h1;"),
        0xf00f
    );
    assert_eq!(
        wide("mov.b64 %bd2, 0xff00000000; xor.b64 %bd1, %bd2, 0xf;"),
        0xff_0000_000f
    );
}

#[test]
fn predicates_have_logic_too() {
    let body = "setp.lt.u32 %p1, %r0, 3; setp.gt.u32 %p2, %r0, 1; and.pred %p3, %p1, %p2;
        or.pred %p4, %p1, %p2; xor.pred %p5, %p1, %p2; not.pred %p6, %p1;
        selp.u32 %r1, 1, 0, %p3; selp.u32 %r2, 2, 0, %p4; selp.u32 %r3, 4, 0, %p5;
        selp.u32 %r4, 8, 0, %p6; or.b32 %r1, %r1, %r2; or.b32 %r1, %r1, %r3;
        or.b32 %r1, %r1, %r4; st.global.u32 [%rd1], %r1;";
    assert_eq!(run(body, 1, 4).unwrap(), [6, 6, 3, 14]);
}

#[test]
fn shifts_by_more_than_the_width_move_all_out() {
    assert_eq!(word("mov.b32 %b1, 3; shl.b32 %r1, %b1, 31;"), 0x8000_0000);
    assert_eq!(word("mov.b32 %b1, 3; shl.b32 %r1, %b1, 32;"), 0);
    assert_eq!(word("mov.u32 %r2, -1; shr.u32 %r1, %r2, 31;"), 1);
    assert_eq!(word("mov.u32 %r2, -1; shr.u32 %r1, %r2, 40;"), 0);
    assert_eq!(word("mov.s32 %s1, -8; shr.s32 %r1, %s1, 2;"), -2i32 as u32);
    assert_eq!(word("mov.s32 %s1, -8; shr.s32 %r1, %s1, 99;"), u32::MAX);
    assert_eq!(wide("mov.b64 %bd2, 1; shl.b64 %bd1, %bd2, 63;"), 1 << 63);
    assert_eq!(wide("mov.b64 %bd2, -1; shr.s64 %bd1, %bd2, 64;"), u64::MAX);
    assert_eq!(
        word("mov.b16 %h1, 0x8001; shl.b16 %h1, %h1, 1; cvt.u32.u16 %r1, %h1;"),
        2
    );
    let body = "mov.b16 %h1, 0x8000; shr.s16 %h1, %h1, 15; cvt.u32.u16 %r1, %h1;";
    assert_eq!(word(body), 0xffff);
}

#[test]
fn bits_are_counted_and_found() {
    assert_eq!(word("mov.b32 %b1, 0xf0f0; popc.b32 %r1, %b1;"), 8);
    assert_eq!(word("mov.b64 %bd1, -1; popc.b64 %r1, %bd1;"), 64);
    assert_eq!(word("mov.b32 %b1, 0xf0f0; clz.b32 %r1, %b1;"), 16);
    assert_eq!(word("mov.b32 %b1, 0; clz.b32 %r1, %b1;"), 32);
    assert_eq!(word("mov.b32 %b1, 1; brev.b32 %r1, %b1;"), 1 << 31);
    assert_eq!(word("mov.u32 %r2, 0x100; bfind.u32 %r1, %r2;"), 8);
    assert_eq!(word("mov.u32 %r2, 0; bfind.u32 %r1, %r2;"), u32::MAX);
    assert_eq!(word("mov.s32 %s1, -3; bfind.s32 %r1, %s1;"), 1);
}

#[test]
fn fields_are_taken_out_and_put_in() {
    assert_eq!(
        word("mov.u32 %r2, 0x12345678; bfe.u32 %r1, %r2, 8, 12;"),
        0x456
    );
    assert_eq!(
        word("mov.u32 %r2, 0x12345678; bfe.u32 %r1, %r2, 28, 12;"),
        1
    );
    assert_eq!(
        word("mov.s32 %s1, 0x00000f00; bfe.s32 %r1, %s1, 8, 4;"),
        u32::MAX
    );
    assert_eq!(
        word("mov.s32 %s1, 0x80000000; bfe.s32 %r1, %s1, 40, 4;"),
        u32::MAX
    );
    assert_eq!(word("mov.s32 %s1, -1; bfe.s32 %r1, %s1, 4, 0;"), 0);
    let body = "mov.b32 %b1, 0xab; mov.b32 %b2, 0x11111111; bfi.b32 %r1, %b1, %b2, 8, 8;";
    assert_eq!(word(body), 0x1111_ab11);
    let body = "mov.b32 %b1, 0xab; mov.b32 %b2, 0x11111111; bfi.b32 %r1, %b1, %b2, 28, 8;";
    assert_eq!(word(body), 0xb111_1111);
}

#[test]
fn bytes_are_picked() {
    let load = "mov.b32 %b1, 0x83020100; mov.b32 %b2, 0x07060504;";
    assert_eq!(
        word(&format!("{load} prmt.b32 %r1, %b1, %b2, 0x7210;")),
        0x0702_0100
    );
    // The highest bit of a choice asks for the sign.
    assert_eq!(
        word(&format!("{load} prmt.b32 %r1, %b1, %b2, 0xb810;")),
        0xff00_0100
    );
}

#[test]
fn any_function_of_three_bits_is_there() {
    let load = "mov.b32 %b1, 0xf0f0f0f0; mov.b32 %b2, 0xcccccccc; mov.b32 %b3, 0xaaaaaaaa;";
    // The table is what the function gives for these three bytes.
    for table in [0x80u32, 0x96, 0xe8, 0x1b] {
        let found = word(&format!("{load} lop3.b32 %r1, %b1, %b2, %b3, {table};"));
        assert_eq!(found, table * 0x0101_0101);
    }
}

#[test]
fn a_funnel_turns() {
    let load = "mov.b32 %b1, 0x12345678; mov.b32 %b2, 0x9abcdef0;";
    assert_eq!(
        word(&format!("{load} shf.l.wrap.b32 %r1, %b1, %b2, 8;")),
        0xbcde_f012
    );
    assert_eq!(
        word(&format!("{load} shf.r.wrap.b32 %r1, %b1, %b2, 40;")),
        0xf012_3456
    );
    assert_eq!(
        word(&format!("{load} shf.r.clamp.b32 %r1, %b1, %b2, 40;")),
        0x9abc_def0
    );
}

#[test]
fn types_are_checked() {
    assert!(refusal("and.u32 %r1, %r2, %r3;").contains("has `.u32`"));
    assert!(refusal("shl.u32 %r1, %r2, 1;").contains("has `.u32`"));
    assert!(refusal("shl.b32 %r1, %r2, %rd1;").contains("`%rd1` is a .u64"));
    assert!(refusal("and.b32 %r1, %p1, %r3;").contains("`%p1` is a .pred"));
    assert!(refusal("lop3.b32 %r1, %r2, %r3, %r4, 256;").contains("less than 256"));
}
