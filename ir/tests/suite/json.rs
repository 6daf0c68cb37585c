use eyas_ir::Module;

use crate::everything::everything;

#[test]
fn a_module_survives_json() {
    let module = everything();
    let text = serde_json::to_string(&module).unwrap();
    let read: Module = serde_json::from_str(&text).unwrap();
    assert_eq!(read, module);
    assert!(text.contains(r#""fill":"-inf""#));
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
}

#[test]
fn an_entry_without_states_may_leave_them_out() {
    let text = r#"{"name": "Main", "graph": 0, "mode": "inference"}"#;
    let entry: eyas_ir::Entry = serde_json::from_str(text).unwrap();
    assert!(entry.states.is_empty());
    assert!(!serde_json::to_string(&entry).unwrap().contains("states"));
}

#[test]
fn a_constant_that_says_too_much_makes_no_room() {
    let constant = |shape: &str, elements: &str| {
        let text = format!(r#"{{"dtype":"f32","shape":{shape},"elements":{elements}}}"#);
        serde_json::from_str::<eyas_ir::Constant>(&text)
    };
    assert!(constant("[2]", r#"["1", "2"]"#).is_ok());
    for shape in [
        "[1000000000000]",
        "[4294967296, 4294967296, 4294967296]",
        "[3]",
    ] {
        assert!(constant(shape, r#"["1", "2"]"#).is_err(), "{shape}");
    }
    assert!(constant("[1]", r#"["one"]"#).is_err());
}
