//! Names of entries.

use std::collections::BTreeSet;

/// The longest name, the number that makes it unique left out.
const LONGEST: usize = 120;

/// A name for a kernel's entry: the kernel's, with an underscore for what PTX does not allow, and
/// a number where another entry has it.
pub(crate) fn entry_name(kernel: &str, taken: &mut BTreeSet<String>) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let mut name: String = kernel.chars().take(LONGEST).map(allowed).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.insert(0, 'k');
    }
    // A word alone may be one of the language's: `add`, `min`, `WARP_SZ`.
    if !name.contains('_') || name == "WARP_SZ" {
        name.push_str("_kernel");
    }
    let mut unique = name.clone();
    let mut number = 1;
    while !taken.insert(unique.clone()) {
        number += 1;
        unique = format!("{name}_{number}");
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_identifiers_and_unique() {
        let mut taken = BTreeSet::new();
        let mut name = |kernel: &str| entry_name(kernel, &mut taken);
        assert_eq!(name("block[0].attn.qkv"), "block_0__attn_qkv");
        assert_eq!(name("block(0).attn.qkv"), "block_0__attn_qkv_2");
        assert_eq!(name("add"), "add_kernel");
        assert_eq!(name("ä"), "k_");
        assert_eq!(name(""), "k_kernel");
        assert!(name(&"x".repeat(5000)).len() < 200);
    }
}
