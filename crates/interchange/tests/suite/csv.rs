use std::path::Path;

use eyas_interchange::{InterchangeError, parse_csv, read_csv};
use eyas_tensor::{DType, Number};
use proptest::prelude::*;

use crate::shared::{changed, changes, shared};

const TEXT: &[u8] = b"width, height,\"class, or kind\"\n1.5,2,0\n-3e2 , 4,1\n7,5,2\n";

#[test]
fn columns_have_names_and_types() {
    let table = parse_csv(TEXT, Path::new("x")).unwrap();
    assert_eq!(table.row_count(), 3);
    let width = table.column("width").unwrap();
    assert_eq!(width.as_f32().unwrap(), [1.5, -300.0, 7.0]);
    let class = table.column("class, or kind").unwrap();
    assert_eq!((class.dtype(), class.get(2)), (DType::I64, Number::Int(2)));
    assert_eq!(table.column("height").unwrap().dtype(), DType::I64);
    assert!(table.column("depth").is_none());
}

#[test]
fn a_column_of_integers_may_turn_out_to_be_one_of_floats() {
    let table = parse_csv(b"a,b\n1,9223372036854775807\n2.5,-1\n", Path::new("x")).unwrap();
    assert_eq!(table.column("a").unwrap().as_f32().unwrap(), [1.0, 2.5]);
    assert_eq!(
        table.column("b").unwrap().get(0),
        Number::Int(i64::MAX.into())
    );
    let empty = parse_csv(b"a,b\n", Path::new("x")).unwrap();
    assert_eq!((empty.columns.len(), empty.row_count()), (2, 0));
    assert_eq!(parse_csv(b"", Path::new("x")).unwrap().columns.len(), 0);
}

#[test]
fn faults_name_their_line() {
    for (text, line, expected) in [
        (
            &b"a,b\n1,2\n3\n"[..],
            3,
            "there are 1 fields, but the header has 2",
        ),
        (
            b"a,b\n1,2\n3,four\n",
            3,
            "column `b`: `four` is not a number",
        ),
        (b"a,b\n1,\n", 2, "column `b`: `` is not a number"),
        (b"a,a\n", 1, "two columns are called `a`"),
        (b"a\n\xff\n", 2, "it is not UTF-8"),
    ] {
        let error = parse_csv(text, Path::new("x")).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(matches!(error, InterchangeError::Line { line: found, .. } if found == line));
    }
}

#[test]
fn measured_flowers_are_read() {
    let Some(path) = shared("data/small/iris.csv") else {
        return;
    };
    let table = read_csv(&path).unwrap();
    assert_eq!((table.columns.len(), table.row_count()), (5, 150));
    assert_eq!(table.columns[4].values.dtype(), DType::I64);
    assert_eq!(table.columns[0].values.as_f32().unwrap()[0], 5.1);
}

proptest! {
    #[test]
    fn changed_files_never_panic(changes in changes(), cuts: bool) {
        let _ = parse_csv(&changed(TEXT, &changes, cuts), Path::new("x"));
    }
}
