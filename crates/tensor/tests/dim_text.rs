//! The text of a dim reads back as the dim.
#![allow(clippy::unwrap_used)]

use eyas_tensor::Dim;
use proptest::prelude::*;

fn dims() -> impl Strategy<Value = Dim> {
    let leaf = prop_oneof![
        (-9i64..300).prop_map(Dim::from),
        prop::sample::select(vec!["B", "S", "N", "min", "x.1"]).prop_map(Dim::symbol),
    ];
    leaf.prop_recursive(5, 24, 2, |inner| {
        (0..7, inner.clone(), inner).prop_filter_map("no dim", |(operation, a, b)| {
            let result = match operation {
                0 => a.add(&b),
                1 => a.sub(&b),
                2 => a.mul(&b),
                3 => a.floor_div(&b),
                4 => a.modulo(&b),
                5 => Ok(a.minimum(&b)),
                _ => Ok(a.maximum(&b)),
            };
            result.ok()
        })
    })
}

proptest! {
    #[test]
    fn the_text_reads_back(dim in dims()) {
        let text = dim.to_string();
        prop_assert_eq!(text.parse::<Dim>().unwrap(), dim, "{}", text);
    }
}
