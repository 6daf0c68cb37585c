use crate::run::{fault, run};

#[test]
fn every_thread_writes_its_index() {
    let found = run("st.global.u32 [%rd1], %r0;", 1, 100).unwrap();
    assert_eq!(found, (0..100).collect::<Vec<u64>>());
}

#[test]
fn a_race_is_caught() {
    let text = fault("st.global.u32 [%rd0], %r0;", 1, 2);
    assert!(text.contains("thread (1, 0, 0), line 10 `st.global.u32 [%rd0], %r0;`: a write"));
    assert!(text.contains("races with a write by block (0, 0, 0), thread (0, 0, 0)"));
}
