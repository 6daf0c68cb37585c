use eyas_kernels::{Kernel, KernelCause, RightLayout, Role, Work};
use eyas_tensor::{DType, Dim, Facts};

use crate::sample::{F32, access, argument, dims, gather, product, scatter, softmax};

fn cause(kernel: &Kernel) -> KernelCause {
    kernel.verify(&Facts::default()).unwrap_err().cause
}

#[test]
fn well_made_kernels_are_proved_in_bounds() {
    let strided = product(RightLayout::Strided);
    let packed = product(RightLayout::Panels(4));
    for kernel in [gather(), softmax(), strided, packed, scatter()] {
        assert_eq!(kernel.verify(&Facts::default()), Ok(()));
        assert!(kernel.is_proved(&Facts::default()), "{kernel}");
    }
}

#[test]
fn an_access_beyond_its_argument_is_refused_where_dims_show_it() {
    let mut short = softmax();
    short.arguments[1].length = "6*B - 1".parse().unwrap();
    assert!(matches!(
        cause(&short),
        KernelCause::OutOfBounds { argument: 1, .. }
    ));
    let mut packed = product(RightLayout::Panels(4));
    packed.arguments[1].length = Dim::from(47);
    assert!(matches!(
        cause(&packed),
        KernelCause::OutOfBounds { argument: 1, .. }
    ));
    // Whether it is depends on the dims.
    let mut unknown = softmax();
    unknown.arguments[0].length = Dim::symbol("N");
    assert_eq!(unknown.verify(&Facts::default()), Ok(()));
    assert!(!unknown.is_proved(&Facts::default()));
}

#[test]
fn a_place_before_the_first_is_refused() {
    let mut kernel = gather();
    let Work::Map(map) = &mut kernel.work else {
        unreachable!()
    };
    map.writes[0] = access(2, "6", "8, -1");
    let expected = KernelCause::OutOfBounds {
        argument: 2,
        least: Dim::from(-1),
        greatest: "8*B - 2".parse().unwrap(),
        length: "8*B".parse().unwrap(),
    };
    assert_eq!(cause(&kernel), expected);
}

#[test]
fn types_ranks_and_roles_are_checked() {
    let mut types = gather();
    types.arguments[2].dtype = DType::F16;
    let expected = KernelCause::Outputs {
        expected: vec![DType::F16],
        found: vec![F32],
    };
    assert_eq!(cause(&types), expected);

    let mut index = gather();
    index.arguments[1].dtype = F32;
    assert_eq!(cause(&index), KernelCause::Index { argument: 0 });

    let mut role = gather();
    role.arguments[2].role = Role::Read;
    let expected = KernelCause::Role {
        argument: 2,
        declared: Role::Read,
        found: Role::Write,
    };
    assert_eq!(cause(&role), expected);

    let mut rank = softmax();
    let Work::Reduce(reduce) = &mut rank.work else {
        unreachable!()
    };
    reduce.inner = dims("6");
    let expected = KernelCause::Rank {
        argument: 0,
        expected: 2,
        found: 3,
    };
    assert_eq!(cause(&rank), expected);

    let mut unused = scatter();
    unused.arguments.push(argument(F32, Role::Read, "1"));
    assert_eq!(cause(&unused), KernelCause::Unused { argument: 3 });

    let mut empty = product(RightLayout::Panels(0));
    empty.name = "empty".to_owned();
    let error = empty.verify(&Facts::default()).unwrap_err();
    let text = "kernel `empty`: the right operand lies in panels of no columns";
    assert_eq!(error.to_string(), text);
}
