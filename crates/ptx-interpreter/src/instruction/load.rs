use super::convert::write_extended;
use super::{Decoded, Operation};
use crate::decoder::{Address, Decoder, Modifiers, Register};
use crate::lane::{LANES, Mask, lanes};
use crate::machine::{Addressing, Machine, Reach, Step};
use crate::syntax::{Base, Operand, Statement};
use crate::{ParseError, Type};

/// A load.
#[derive(Debug, Clone)]
pub(crate) enum Load {
    Memory {
        access: Access,
        from: Address,
        to: Vec<Register>,
    },
    /// Of a parameter: where it begins.
    Parameter {
        kind: Type,
        offset: usize,
        to: Vec<Register>,
    },
}

/// How memory is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) addressing: Addressing,
    pub(crate) kind: Type,
    /// Bytes of an element and of all, as powers of two.
    pub(crate) element: u32,
    pub(crate) size: u32,
    /// Whether others may reach the place at the same time in such a way.
    pub(crate) strong: bool,
    /// Fences that it has in itself, before and after.
    pub(crate) releases: bool,
    pub(crate) acquires: bool,
}

const KINDS: [Type; 14] = [
    Type::B8,
    Type::B16,
    Type::B32,
    Type::B64,
    Type::U8,
    Type::U16,
    Type::U32,
    Type::U64,
    Type::S8,
    Type::S16,
    Type::S32,
    Type::S64,
    Type::F32,
    Type::F64,
];
const SCOPES: [&str; 4] = ["cta", "cluster", "gpu", "sys"];
const HINTS: [&str; 18] = [
    "ca",
    "cg",
    "cs",
    "lu",
    "cv",
    "wb",
    "wt",
    "L1::evict_normal",
    "L1::evict_unchanged",
    "L1::evict_first",
    "L1::evict_last",
    "L1::no_allocate",
    "L2::evict_normal",
    "L2::evict_first",
    "L2::evict_last",
    "L2::64B",
    "L2::128B",
    "L2::256B",
];

/// Reads the modifiers of `ld` and `st`; `None` of parameters. Gives how many elements there are.
pub(super) fn access(
    modifiers: &mut Modifiers<'_, '_>,
    decoder: &mut Decoder<'_>,
    stores: bool,
) -> Result<(Option<Access>, Type, u32), ParseError> {
    let semantics = [
        "weak",
        "volatile",
        "relaxed",
        if stores { "release" } else { "acquire" },
    ];
    let order = modifiers.one_of(&semantics).unwrap_or(0);
    if order >= 2 {
        modifiers.expect(&SCOPES)?;
    }
    let space = modifiers.one_of(&["global", "shared", "shared::cta", "param"]);
    while modifiers.one_of(&HINTS).is_some() {}
    if space == Some(0) && !stores && modifiers.eat("nc") {
        while modifiers.one_of(&HINTS).is_some() {}
    }
    let count = modifiers
        .one_of(&["v2", "v4"])
        .map_or(0, |at| at as u32 + 1);
    let kind = modifiers.kind(&KINDS)?;
    let element = kind.bytes().trailing_zeros();
    let size = element + count;
    if size > 4 {
        return decoder.error("an access has at most 16 bytes");
    }
    let addressing = match space {
        Some(0) => Addressing::Global,
        Some(1 | 2) => Addressing::Shared,
        Some(_) => return Ok((None, kind, 1 << count)),
        None => Addressing::Generic,
    };
    let (strong, ordered) = (order > 0, order == 3);
    let (releases, acquires) = (ordered && stores, ordered && !stores);
    decoder.needs.fences |= ordered;
    decoder.needs.accesses(addressing, size);
    let access = Access {
        addressing,
        kind,
        element,
        size,
        strong,
        releases,
        acquires,
    };
    Ok((Some(access), kind, 1 << count))
}

/// The elements of a vector operand, or the one that stands alone.
pub(super) fn elements<'s, 'a>(
    operand: &'s Operand<'a>,
    count: u32,
    decoder: &Decoder<'a>,
) -> Result<&'s [Operand<'a>], ParseError> {
    let found = match operand {
        Operand::Vector(parts) if count > 1 => parts,
        _ => std::slice::from_ref(operand),
    };
    if found.len() != count as usize || count == 1 && matches!(operand, Operand::Vector(_)) {
        return decoder.error(format!("`{operand}` should be {count} registers"));
    }
    Ok(found)
}

pub(super) fn decode<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    let (access, kind, count) = access(modifiers, decoder, false)?;
    let [to, from] = decoder.operands(statement)?;
    let mut registers = Vec::new();
    for element in elements(to, count, decoder)? {
        registers.push(match element {
            Operand::Sink if count > 1 => Register {
                kind,
                slot: decoder.sink(kind),
            },
            _ => decoder.loose(element, kind)?,
        });
    }
    let to = registers;
    let Some(access) = access else {
        let offset = parameter(from, u64::from(kind.bytes() * count), decoder)?;
        return Ok(Operation::Load(Load::Parameter { kind, offset, to }));
    };
    let from = decoder.address(from, access.addressing == Addressing::Shared)?;
    Ok(Operation::Load(Load::Memory { access, from, to }))
}

/// Where `[name+offset]` lies among the bytes of all parameters.
fn parameter(
    operand: &Operand<'_>,
    bytes: u64,
    decoder: &Decoder<'_>,
) -> Result<usize, ParseError> {
    let Operand::Address(Base::Name(name), offset) = operand else {
        return decoder.error(format!("`{operand}` is no parameter in brackets"));
    };
    let Some((start, length)) = decoder.parameter(name) else {
        return decoder.error(format!("there is no parameter `{name}`"));
    };
    match u64::try_from(*offset) {
        Ok(offset)
            if offset
                .checked_add(bytes)
                .is_some_and(|end| end <= length as u64) =>
        {
            let at = start + offset as usize;
            if (at as u64).is_multiple_of(bytes) {
                Ok(at)
            } else {
                decoder.error(format!("`{operand}` is no multiple of {bytes} bytes"))
            }
        }
        _ => decoder.error(format!("`{name}` has no {bytes} bytes at {offset}")),
    }
}

/// Checks `prefetch`, which does nothing.
pub(super) fn decode_prefetch<'a>(
    statement: &Statement<'a>,
    modifiers: &mut Modifiers<'_, 'a>,
    decoder: &mut Decoder<'a>,
) -> Decoded {
    modifiers.eat("global");
    modifiers.expect(&["L1", "L2"])?;
    let [address] = decoder.operands(statement)?;
    decoder.address(address, false)?;
    Ok(Operation::Nothing)
}

impl Load {
    pub(super) fn run(&self, mask: Mask, machine: &mut Machine<'_>) -> Step {
        match self {
            Load::Parameter { kind, offset, to } => {
                let size = kind.bytes() as usize;
                for (at, register) in to.iter().enumerate() {
                    let start = offset + at * size;
                    let mut bytes = [0; 8];
                    bytes[..size].copy_from_slice(&machine.parameters[start..start + size]);
                    let values = [u64::from_le_bytes(bytes); LANES];
                    write_extended(machine.warp, mask, *kind, *register, &values, !0);
                }
                Ok(())
            }
            Load::Memory { access, from, to } => {
                let addresses = machine.addresses(*from, mask)?;
                let reach = Reach {
                    strong: access.strong,
                    ..Reach::READ
                };
                let mut values = [[0u64; LANES]; 4];
                let element = access.element;
                for lane in lanes(mask) {
                    let address = (access.addressing, addresses[lane]);
                    let (region, at) = machine.reach(lane, address, access.size, reach)?;
                    for (part, values) in values.iter_mut().enumerate().take(to.len()) {
                        values[lane] = region.get(at + (part << element), element);
                    }
                    if access.acquires {
                        machine.acquire(lane, addresses[lane])?;
                    }
                }
                for (register, values) in to.iter().zip(&values) {
                    write_extended(machine.warp, mask, access.kind, *register, values, !0);
                }
                Ok(())
            }
        }
    }
}
