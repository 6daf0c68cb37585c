use std::collections::BTreeSet;
use std::path::Path;

fn codes_in(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes_in(&path, codes);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("\"E0") {
            let code = text.get(at + 1..at + 6).unwrap_or("");
            if code[1..].bytes().all(|byte| byte.is_ascii_digit()) {
                codes.insert(code.to_owned());
            }
        }
    }
}

#[test]
fn every_code_of_parser_and_elaboration_has_a_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut codes = BTreeSet::new();
    codes_in(&root.join("src"), &mut codes);
    codes_in(&root.join("../syntax/src"), &mut codes);
    assert!(codes.len() > 60, "{codes:?}");
    let missing: Vec<&String> = codes
        .iter()
        .filter(|code| eyas_diagnostic::explain(code).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
