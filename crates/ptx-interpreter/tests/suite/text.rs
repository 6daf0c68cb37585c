use eyas_ptx_interpreter::Module;

use crate::run::{HEAD, refusal};

fn error(text: &str) -> String {
    Module::parse(text)
        .expect_err("it should be refused")
        .to_string()
}

#[test]
fn a_module_may_hold_several_entries_and_comments() {
    let text = format!(
        "// first\n{HEAD}/* a\nb */ .visible .entry a() .maxntid 128, 2, 1 .minnctapersm 2 {{ ret; }}
        .weak .entry b(.param .f32 x) .reqntid 64 {{ .pragma \"nounroll\"; .loc 1 2 3\n ret; }}"
    );
    let module = Module::parse(&text).unwrap();
    let names: Vec<_> = module.entries().iter().map(|entry| entry.name()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(module.entry("a").unwrap().max_threads(), Some(256));
    assert_eq!(module.entry("b").unwrap().max_threads(), Some(64));
    assert!(module.entry("c").is_none());
}

#[test]
fn shared_variables_are_laid_out_by_their_alignment() {
    let text = format!(
        "{HEAD}.extern .shared .align 16 .b8 more[]; .shared .b8 byte; .entry k() {{
        .shared .align 16 .f32 tile[3][5]; .shared .u16 last; .reg .u32 %r; mov.u32 %r, more;
        ret; }}"
    );
    let module = Module::parse(&text).unwrap();
    assert_eq!(module.entry("k").unwrap().shared_bytes(), 16 + 60 + 2);
}

#[test]
fn errors_say_the_line() {
    assert_eq!(error(""), "line 1: the module has no `.target`");
    assert!(error(".version 8.0\n.target sm_80\n.nonsense").starts_with("line 3: `.nonsense`"));
    assert!(error(".version 8.0\n.target gfx90").contains("`gfx90` is no target"));
    assert!(error(&format!("{HEAD}.address_size 32")).contains("64 bits"));
    assert!(error(&format!("{HEAD}.entry k() {{")).contains("has no end"));
    assert!(error(&format!("{HEAD}/* no end")).contains("no end"));
    assert!(error(".entry k() {}").contains("no `.version` stands before"));
    let text = format!("{HEAD}.entry k() {{ ret; }}\n.entry k() {{ ret; }}");
    assert!(error(&text).contains("two entries `k`"));
    let text = format!("{HEAD}.entry k(.param .u32 a, .param .u32 a) {{ ret; }}");
    assert!(error(&text).contains("two parameters `a`"));
    let text = format!("{HEAD}.entry k() .maxntid 2000 {{ ret; }}");
    assert!(error(&text).contains("1 to 1024"));
    let text = format!("{HEAD}.entry k() {{ .shared .b8 x[50000]; ret; }}");
    assert!(error(&text).contains("more than 49152 bytes"));
    let text = format!("{HEAD}.entry k(.param .b8 x[5000]) {{ ret; }}");
    assert!(error(&text).contains("more than 4096 bytes"));
}

#[test]
fn what_is_not_known_is_refused() {
    assert!(refusal("nonsense.u32 %r1, %r2;").contains("`nonsense` is not known"));
    assert!(refusal(".local .b8 x[4];").contains("`.local` is not known here"));
    assert!(refusal(".reg .bf16 %x;").contains("a register's type"));
    assert!(refusal(".reg .u32 %r3;").contains("`%r3` is declared twice"));
    assert!(refusal("add.u32 %r1, %r2, %r99;").contains("`%r99` is no register"));
    assert!(refusal("add.u32 %r1, %r2, %r01;").contains("`%r01` is no register"));
    assert!(refusal("add.u32 5, %r2, %r3;").contains("`5` is no register"));
    assert!(refusal("add.u32 %r1 %r2, %r3;").contains("`,` should stand here"));
    assert!(refusal("add.u32 %r1, %r2, 12x;").contains("`12x` is no number"));
    assert!(refusal("add.u32 %r1, %r2, #;").contains("`#` begins nothing"));
}

#[test]
fn the_line_of_an_instruction_is_told() {
    // Nine lines stand before a kernel's body.
    assert!(refusal("\n\n\nbad;").starts_with("line 13: "));
}
