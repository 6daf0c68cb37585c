//! Modules as a whole: names, comments, tables, and what is refused.

use std::collections::BTreeMap;

use eyas_ir::{BodyBuilder, UnaryFunction};
use eyas_kernels::{Access, Kernel, Map, Role, Work};
use eyas_plan::CudaArchitecture;
use eyas_ptx::{Options, PtxError, compile};
use eyas_tensor::{DType, Dim};

use crate::device::{Bindings, Loaded};
use crate::draw::{Draw, argument, dims, kernel};

fn negation(name: &str, dtype: DType) -> Kernel {
    let extents = dims(&[9]);
    let mut builder = BodyBuilder::new();
    let x = builder.input(dtype);
    let result = builder.unary(UnaryFunction::Negate, x);
    let map = Map {
        reads: vec![Access::dense(0, &extents).unwrap()],
        body: builder.finish(&[result]),
        writes: vec![Access::dense(1, &extents).unwrap()],
        extents,
    };
    let arguments = vec![
        argument(dtype, Role::Read, 9),
        argument(dtype, Role::Write, 9),
    ];
    kernel(name, arguments, Work::Map(map))
}

#[test]
fn functions_say_where_their_entries_are() {
    let kernels = ["a.neg", "a neg", "a.neg"].map(|name| negation(name, DType::F32));
    let options = Options::new(CudaArchitecture::Sm90a);
    let code = compile(&kernels, &options).unwrap();
    let text = std::str::from_utf8(&code.bytes).unwrap();
    assert!(text.starts_with(".version 8.0\n.target sm_90a\n.address_size 64\n"));
    let names: Vec<&str> = code.functions.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["a.neg", "a neg", "a.neg"]);
    for (function, entry) in code.functions.iter().zip(["a_neg", "a_neg_2", "a_neg_3"]) {
        let own = &text[function.offset..function.offset + function.size];
        assert_eq!(function.grid.as_ref().unwrap().entry, entry);
        assert!(own.starts_with("// a") && own.ends_with("}\n"));
        assert!(own.contains(&format!(".visible .entry {entry}(")));
        assert_eq!(function.units, Dim::from(1));
        assert_eq!(function.arguments.len(), 2);
        assert!(!function.arguments[0].writes && function.arguments[1].writes);
    }
    assert_eq!(compile(&kernels, &options), Ok(code));
}

#[test]
fn comments_say_where_a_kernel_comes_from() {
    let mut kernel = negation("fc1", DType::F32);
    kernel
        .origin
        .labels
        .insert("block[0].fc1\n.trap".to_owned());
    let places = vec!["mnist.eyas:12:9".to_owned()];
    let options = Options {
        places: BTreeMap::from([("fc1".to_owned(), places)]),
        ..Options::new(CudaArchitecture::Sm80)
    };
    let code = compile(&[kernel], &options).unwrap();
    let text = String::from_utf8(code.bytes).unwrap();
    let header = "// fc1\n// map over [9]: negate\n// label  block[0].fc1 .trap\n// source mnist.eyas:12:9\n.visible";
    assert!(text.contains(header), "{text}");
}

#[test]
fn half_bytes_and_kernels_that_contradict_themselves_are_refused() {
    let options = Options::new(CudaArchitecture::Sm80);
    let refused = |kernel: Kernel| compile(&[kernel], &options).unwrap_err();
    let expected = PtxError::Unsupported {
        kernel: "neg".to_owned(),
        what: "element type `i4`".to_owned(),
    };
    assert_eq!(refused(negation("neg", DType::I4)), expected);
    let mut kernel = negation("neg", DType::F32);
    kernel.arguments[1].dtype = DType::F64;
    assert!(matches!(refused(kernel), PtxError::Malformed(_)));
}

#[test]
fn any_name_is_one_for_an_entry() {
    let names = [
        "ä→ß.neg",
        "",
        "add",
        "/* \"\u{0}\\",
        "0",
        "%tid.x",
        "WARP_SZ",
    ];
    let kernels = names.map(|name| negation(name, DType::F32));
    let loaded = Loaded::new(&kernels, CudaArchitecture::Sm80);
    let mut draw = Draw(1);
    for number in 0..names.len() {
        let mut tensors = [0; 2].map(|_| draw.tensor(DType::F32, 9));
        loaded
            .run(number, &mut tensors, &Bindings::new(), 0)
            .unwrap();
    }
}
