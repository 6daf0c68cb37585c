use crate::run::{one, refusal, run, word};

#[test]
fn special_registers_say_who_a_thread_is() {
    let body = "mov.u32 %r1, %laneid; mov.u32 %r2, %warpid; mov.u32 %r3, %ctaid.x;
        mov.u32 %r4, %ntid.x; mov.u32 %r5, %nctaid.x;
        mad.lo.u32 %r1, %r2, 100, %r1; mad.lo.u32 %r1, %r3, 1000, %r1;
        mad.lo.u32 %r1, %r5, 10000, %r1; mad.lo.u32 %r6, %r3, %r4, %r0;
        mul.wide.u32 %rd2, %r6, 8; add.u64 %rd2, %rd0, %rd2; st.global.u32 [%rd2], %r1;";
    let found = run(body, 3, 40).unwrap();
    for (at, found) in found.into_iter().enumerate() {
        let (block, thread) = (at / 40, at % 40);
        assert_eq!(
            found as usize,
            30000 + block * 1000 + thread / 32 * 100 + thread % 32
        );
    }
    let body = "mov.u32 %r1, %lanemask_lt; mov.u32 %r2, %lanemask_ge; xor.b32 %r3, %r1, %r2;
        not.b32 %r3, %r3; add.u32 %r1, %r1, %r3; st.global.u32 [%rd1], %r1;";
    let found = run(body, 1, 32).unwrap();
    assert!(
        found
            .into_iter()
            .enumerate()
            .all(|(lane, found)| found == (1 << lane) - 1)
    );
}

#[test]
fn registers_are_packed_and_unpacked() {
    let body = "mov.b16 %h1, 0x1111; mov.b16 %h2, 0x2222; mov.b32 %b1, {%h1, %h2};
        mov.b32 {%h3, %h4}, %b1; mov.b32 %r1, {%h4, %h3};";
    assert_eq!(word(body), 0x1111_2222);
    let body = "mov.u32 %r1, 1; mov.u32 %r2, 2; mov.b64 %bd1, {%r1, %r2};
        st.global.b64 [%rd1], %bd1;";
    assert_eq!(one(body), 0x2_0000_0001);
    assert_eq!(
        word("mov.u64 %rd2, 0x500000006; mov.b64 {_, %r1}, %rd2;"),
        5
    );
    assert_eq!(
        word("mov.f32 %f1, 0f3f800000; mov.b32 %r1, %f1;"),
        0x3f80_0000
    );
}

#[test]
fn shared_addresses_become_generic_and_back() {
    let body = ".shared .align 16 .b32 pad[4]; .shared .b32 cell[2]; mov.u64 %rd2, cell;
        cvta.shared.u64 %rd3, %rd2; mov.u32 %r1, 42; st.b32 [%rd3+4], %r1;
        ld.shared.b32 %r2, [cell+4]; cvta.to.shared.u64 %rd4, %rd3; ld.shared.b32 %r3, [%rd4+4];
        add.u32 %r1, %r2, %r3;";
    assert_eq!(word(body), 84);
    assert_eq!(
        word(".shared .b32 pad[4]; .shared .b32 cell; mov.u32 %r1, cell;"),
        16
    );
}

#[test]
fn types_are_checked() {
    assert!(refusal("mov.u32 %r1, %f1;").contains("`%f1` is a .f32"));
    assert!(refusal("mov.b32 %r1, {%h1, %h2, %h3};").contains("3 parts"));
    assert!(refusal("mov.b32 %r1, {%r1, %r2};").contains("`%r1` is a .u32, where a .b16"));
    assert!(refusal("mov.u32 %r1, %tid.w;").contains("is no register"));
    assert!(refusal("mov.f32 %f1, %tid.x;").contains("is a .u32, where a .f32"));
    assert!(refusal("mov.u32 %r1, nothing;").contains("`nothing` is no register"));
}
