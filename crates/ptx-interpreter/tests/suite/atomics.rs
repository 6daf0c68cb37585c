use crate::run::{refusal, run};

/// What a place holds after all threads of two blocks of 40 reached it, beginning with 0, and the
/// least and the greatest that a thread was given.
fn all(atomic: &str) -> (u64, u64, u64) {
    let body = format!(
        "mov.u32 %r1, %ctaid.x; mad.lo.u32 %r1, %r1, 40, %r0; cvt.u64.u32 %rd3, %r1;
        mul.wide.u32 %rd1, %r1, 8; add.u64 %rd1, %rd0, %rd1; mov.u64 %rd2, 0; mov.u32 %r2, 0;
        cvt.rn.f32.u32 %f1, %r1; cvt.rn.f64.u32 %d1, %r1; mov.s32 %s1, %r1; mov.s64 %sd1, %rd3;
        sub.s32 %s1, %s1, 10; sub.s64 %sd1, %sd1, 10; {atomic}
        add.u64 %rd1, %rd1, 8; setp.ne.u32 %p1, %r1, 79; @%p1 st.global.u64 [%rd1], %rd2;"
    );
    let found = run(&body, 2, 40).unwrap();
    let rest = &found[1..];
    (
        found[0],
        *rest.iter().min().unwrap(),
        *rest.iter().max().unwrap(),
    )
}

#[test]
fn no_thread_is_lost() {
    let sum = (0..80u64).sum::<u64>();
    let one = "mov.u32 %r3, 1;";
    let give = "cvt.u64.u32 %rd2, %r2;";
    assert_eq!(
        all(&format!(
            "{one} atom.global.add.u32 %r2, [%rd0], %r3; {give}"
        ))
        .0,
        80
    );
    // Each was given another number.
    assert_eq!(
        all(&format!("{one} atom.add.u32 %r2, [%rd0], %r3; {give}")).1,
        0
    );
    assert_eq!(all("red.global.add.u32 [%rd0], %r1;").0, sum);
    assert_eq!(all("red.global.add.u64 [%rd0], %rd3;").0, sum);
    assert_eq!(all("red.global.add.s32 [%rd0], %s1;").0, sum - 800);
    assert_eq!(
        all("red.global.add.f32 [%rd0], %f1;").0,
        u64::from((sum as f32).to_bits())
    );
    assert_eq!(
        all("red.global.add.f64 [%rd0], %d1;").0,
        (sum as f64).to_bits()
    );
    assert_eq!(all("atom.global.max.u32 %r2, [%rd0], %r1;").0, 79);
    assert_eq!(all("atom.global.max.s64 %rd4, [%rd0], %sd1;").0, 69);
    assert_eq!(
        all("atom.global.min.s64 %rd4, [%rd0], %sd1;").0,
        -10i64 as u64
    );
    assert_eq!(
        all("atom.global.min.s32 %r2, [%rd0], %s1;").0,
        u64::from(-10i32 as u32)
    );
    assert_eq!(all("atom.global.min.u32 %r2, [%rd0], %r1;").0, 0);
    assert_eq!(all("atom.global.or.b32 %r2, [%rd0], %r1;").0, 127);
    assert_eq!(all("atom.global.and.b32 %r2, [%rd0], %r1;").0, 0);
    let xor = (0..80u64).fold(0, |all, x| all ^ x);
    assert_eq!(all("atom.global.xor.b64 %rd4, [%rd0], %rd3;").0, xor);
    assert_eq!(all("atom.global.exch.b32 %r2, [%rd0], %r1;").0, 79);
    // Counts to 6 and begins again; 80 steps of 7.
    assert_eq!(all("atom.global.inc.u32 %r2, [%rd0], 6;").0, 80 % 7);
    assert_eq!(all("atom.global.dec.u32 %r2, [%rd0], 6;").0, 7 - 80 % 7);
    // Only the first finds 0; the second finds 5.
    assert_eq!(all("atom.global.cas.b32 %r2, [%rd0], 0, 5;").0, 5);
    let claim = "atom.acq_rel.gpu.global.cas.b64 %rd2, [%rd0], 0, 5;";
    assert_eq!(all(claim), (5, 0, 5));
}

#[test]
fn shared_memory_has_atomics() {
    let body = ".shared .u32 count; mov.u32 %r2, 0; setp.eq.u32 %p1, %r0, 0;
        @%p1 st.shared.u32 [count], %r2; bar.sync 0; red.shared.add.u32 [count], %r0; bar.sync 0;
        ld.shared.u32 %r1, [count]; st.global.u32 [%rd1], %r1;";
    assert_eq!(run(body, 1, 100).unwrap(), [4950; 100]);
}

#[test]
fn types_are_checked() {
    assert!(refusal("atom.global.add.s64 %sd1, [%rd1], %sd2;").contains("has `.s64`"));
    assert!(refusal("atom.global.and.u32 %r1, [%rd1], %r2;").contains("has `.u32`"));
    assert!(refusal("atom.global.exch.f32 %f1, [%rd1], %f2;").contains("has `.f32`"));
    assert!(refusal("red.global.exch.b32 [%rd1], %r2;").contains("gives nothing back"));
    assert!(refusal("atom.global.cas.b32 %r1, [%rd1], %r2;").contains("too few"));
    assert!(refusal("atom.global.add.f32 %f1, [%rd1], %r2;").contains("`%r2` is a .u32"));
}
