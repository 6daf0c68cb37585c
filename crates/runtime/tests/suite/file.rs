use std::collections::BTreeMap;

use std::sync::Arc;

use eyas_plan::{Isa, Machine};
use eyas_runtime::{FormatError, KernelSet, Provenance, RuntimeError, Session};

use crate::sets::{
    accumulator, adder, branch, copier, derived, floats, lookup, looped, parameter, while_loop,
};

fn all() -> Vec<KernelSet> {
    let parts = [
        adder(1),
        looped(3),
        while_loop(),
        branch(),
        accumulator(),
        lookup(1),
        copier(1),
        derived(true),
    ];
    let sets = parts.map(|parts| KernelSet::new(parts).unwrap());
    sets.map(|set| set.bind(BTreeMap::new()).unwrap()).to_vec()
}

#[test]
fn a_set_survives_its_file_and_the_same_set_gives_the_same_bytes() {
    for set in all() {
        let bytes = set.to_bytes().unwrap();
        let read = KernelSet::from_bytes(&bytes).unwrap();
        assert_eq!(read.to_bytes().unwrap(), bytes);
        assert!(read.verify().is_ok());
        let (before, mut after) = (set.describe(), read.describe());
        assert!(after.sections.len() >= 4);
        after.sections.clear();
        assert_eq!(before, after);
    }
}

#[test]
fn damage_is_not_written_anew_as_if_it_were_right() {
    let mut bytes = KernelSet::new(looped(3)).unwrap().to_bytes().unwrap();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    let damaged = KernelSet::from_bytes(&bytes).unwrap();
    assert!(damaged.verify().is_err());
    let again = KernelSet::from_bytes(&damaged.to_bytes().unwrap()).unwrap();
    assert!(again.verify().is_err());
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.kset");
    let mut parts = looped(2);
    // Large enough for memory of its own, and read by the plan.
    let large = floats(&[1 << 20], &vec![0.5; 1 << 20]);
    parts.parameters.insert(
        "large".to_owned(),
        parameter("f32[1048576]", Some(large.clone())),
    );
    let plan = &mut parts.targets[0].entries[0].generic;
    let place = eyas_plan::Place::Parameter("large".to_owned());
    plan.buffers
        .push(crate::sets::buffer("large", "f32[1048576]", place));
    let set = KernelSet::new(parts).unwrap();
    for _ in 0..2 {
        set.write(&path).unwrap();
    }
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1);
    assert_eq!(std::fs::read(&path).unwrap(), set.to_bytes().unwrap());
    let read = Arc::new(KernelSet::load(&path).unwrap());
    assert!(read.verify().is_ok());
    assert_eq!(read.value("large"), Some(large));
    let x = floats(&[4], &[1.0; 4]);
    let outputs = Session::new(&read).unwrap().run(&[("x", &x)]).unwrap();
    assert_eq!(
        outputs.get("h"),
        Some(&floats(&[4], &[2.0, 3.0, 21.0, 201.0]))
    );
    let nowhere = folder.path().join("none").join("model.kset");
    assert!(matches!(
        set.write(&nowhere),
        Err(RuntimeError::File { .. })
    ));
    assert!(matches!(
        KernelSet::load(&nowhere),
        Err(RuntimeError::File { .. })
    ));
    assert!(matches!(
        KernelSet::load(folder.path()),
        Err(RuntimeError::File { .. })
    ));
}

#[test]
fn equal_tensors_are_kept_once() {
    let mut parts = looped(2);
    let bytes = KernelSet::new(parts.clone())
        .unwrap()
        .to_bytes()
        .unwrap()
        .len();
    let value = floats(&[4096], &[0.25; 4096]);
    for name in ["a", "b", "c"] {
        let part = parameter("f32[4096]", Some(value.clone()));
        parts.parameters.insert(name.to_owned(), part);
    }
    let larger = KernelSet::new(parts).unwrap().to_bytes().unwrap().len();
    assert!(larger - bytes < 2 * value.bytes().len());
}

#[test]
fn what_is_no_kernel_set_of_this_version_is_refused_by_cause() {
    let bytes = KernelSet::new(adder(1)).unwrap().to_bytes().unwrap();
    let refused = |bytes: &[u8]| match KernelSet::from_bytes(bytes) {
        Err(RuntimeError::Format(error)) => error,
        other => panic!("{other:?}"),
    };
    for other in [&b""[..], b"\x7fELF and so on", b"EYASKSES", &[0; 4096]] {
        assert_eq!(refused(other), FormatError::NotAKernelSet);
    }
    let mut newer = bytes.clone();
    newer[8] = 9;
    assert_eq!(
        refused(&newer).to_string(),
        "the kernel set has format version 9; this program reads version 2"
    );
    let expected = bytes.len() as u64;
    let found = expected - 1;
    let cut = &bytes[..bytes.len() - 1];
    assert_eq!(refused(cut), FormatError::Length { expected, found });
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(refused(&longer), FormatError::Length { .. }));
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.kset");
    std::fs::write(&empty, b"").unwrap();
    assert!(matches!(
        KernelSet::load(&empty),
        Err(RuntimeError::Format(FormatError::NotAKernelSet))
    ));
}

#[test]
fn a_section_that_is_not_known_is_refused_by_name() {
    let mut bytes = KernelSet::new(adder(1)).unwrap().to_bytes().unwrap();
    // The second entry of the table is that of the plans.
    bytes[96 + 64..96 + 72].copy_from_slice(b"cubin\0\0\0");
    crate::harmless::seal(&mut bytes);
    let error = KernelSet::from_bytes(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kernel set has a section `cubin`, which this program does not know"
    );
}

#[test]
fn code_for_other_machines_is_kept_but_not_run() {
    let mut parts = adder(1);
    let mut other = parts.targets[0].clone();
    other.machine = Machine::Cpu {
        architecture: "sparc64".to_owned(),
        isa: Isa::PORTABLE,
    };
    parts.targets = vec![other.clone()];
    let set = KernelSet::new(parts.clone()).unwrap();
    assert_eq!(set.isa(), None);
    let bytes = set.to_bytes().unwrap();
    let error = KernelSet::from_bytes(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this machine cannot run the kernel set: `sparc64-portable` needs sparc64"
    );
    assert!(matches!(
        Session::new(&Arc::new(set)),
        Err(RuntimeError::UnsupportedCpu(_))
    ));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.kset");
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(
        KernelSet::load(&path),
        Err(RuntimeError::UnsupportedCpu(_))
    ));
    let description = KernelSet::open(&path).unwrap().describe();
    assert_eq!(description.targets[0].missing, ["sparc64"]);
    // With code for this machine beside it, in any order, the best runs.
    let mut native = adder(1).targets.remove(0);
    native.machine = Machine::native();
    parts.targets = vec![other, adder(1).targets.remove(0), native];
    let set = KernelSet::new(parts).unwrap();
    assert_eq!(set.isa(), Some(Isa::native()));
    let read = KernelSet::from_bytes(&set.to_bytes().unwrap()).unwrap();
    assert_eq!(read.isa(), Some(Isa::native()));
}

#[test]
fn a_set_says_where_it_comes_from() {
    let mut parts = adder(1);
    parts.provenance = Provenance {
        compiler: "eyas 0.1.0".to_owned(),
        options: [("math".to_owned(), "strict".to_owned())].into(),
        rules: [("add-zero".to_owned(), 2)].into(),
        ..Provenance::default()
    };
    let set = KernelSet::new(parts.clone()).unwrap();
    let read = KernelSet::from_bytes(&set.to_bytes().unwrap()).unwrap();
    let description = read.describe();
    assert_eq!(description.provenance, parts.provenance);
    let target = &description.targets[0];
    assert!(target.runs && target.missing.is_empty());
    assert_eq!(target.functions[0].name, "sum.add");
    assert_eq!(
        target.functions[0].arguments,
        ["f32[4*B]", "f32[4*B]", "write f32[4*B]"]
    );
    let plan = &target.plans[0];
    assert_eq!((plan.launches, plan.loops, plan.arena.len()), (3, 1, 2));
}
