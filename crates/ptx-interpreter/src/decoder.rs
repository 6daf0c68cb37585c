use std::collections::BTreeMap;

use crate::lane::Slot;
use crate::machine::Addressing;
use crate::names::{Names, Variable};
use crate::special::Special;
use crate::syntax::{Base, Operand, Statement};
use crate::{ParseError, Type};

/// Gives registers, constants and special registers their planes, and checks operands' types.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    /// The number in `sm_80`.
    pub(crate) target: u32,
    names: &'a Names<'a>,
    /// Bytes of shared memory that the entry declares.
    shared_bytes: u32,
    pub(crate) line: u32,
    registers: BTreeMap<&'a str, Register>,
    pub(crate) planes: Planes,
    /// What entries need to know of their instructions.
    pub(crate) needs: Needs,
}

/// A register of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Register {
    pub(crate) kind: Type,
    pub(crate) slot: Slot,
}

/// How many planes a warp has, and what some of them hold from the start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Planes {
    pub(crate) narrow: u32,
    pub(crate) wide: u32,
    pub(crate) predicates: u32,
    pub(crate) narrow_constants: BTreeMap<u32, Slot>,
    pub(crate) wide_constants: BTreeMap<u64, Slot>,
    pub(crate) predicate_constants: BTreeMap<bool, Slot>,
    pub(crate) specials: BTreeMap<Special, Slot>,
}

/// What entries need to know of their instructions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs {
    /// The least access to global memory, as a power of two.
    pub(crate) global_granule: u32,
    /// The least access to shared memory.
    pub(crate) shared_granule: u32,
    /// Whether there are fences.
    pub(crate) fences: bool,
}

impl Needs {
    /// There is an access to `1 << size` bytes.
    pub(crate) fn accesses(&mut self, addressing: Addressing, size: u32) {
        if addressing != Addressing::Shared {
            self.global_granule = self.global_granule.min(size);
        }
        if addressing != Addressing::Global {
            self.shared_granule = self.shared_granule.min(size);
        }
    }
}

/// Where a memory access goes: a register and an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) base: Slot,
    /// Whether the register has 64 bits.
    pub(crate) wide: bool,
    pub(crate) offset: i64,
}

/// A predicate, or its opposite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) slot: Slot,
    pub(crate) negated: bool,
}

/// Whether a type's registers take planes of 64 bits.
pub(crate) fn is_wide(kind: Type) -> bool {
    kind.bytes() == 8
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(target: u32, names: &'a Names<'a>, shared_bytes: u32) -> Decoder<'a> {
        Decoder {
            target,
            names,
            shared_bytes,
            line: 0,
            registers: BTreeMap::new(),
            planes: Planes::default(),
            needs: Needs {
                global_granule: 4,
                shared_granule: 4,
                fences: false,
            },
        }
    }

    pub(crate) fn error<T>(&self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError {
            line: self.line,
            message: message.into(),
        })
    }

    /// A statement's operands, which must be as many.
    pub(crate) fn operands<'s, const N: usize>(
        &self,
        statement: &'s Statement<'a>,
    ) -> Result<&'s [Operand<'a>; N], ParseError> {
        match statement.operands.as_slice().try_into() {
            Ok(operands) => Ok(operands),
            Err(_) => self.error(format!(
                "`{}` takes {N} operands, not {}",
                statement.opcode,
                statement.operands.len()
            )),
        }
    }

    fn plane(&mut self, kind: Type) -> Slot {
        let count = match kind {
            Type::Predicate => &mut self.planes.predicates,
            _ if is_wide(kind) => &mut self.planes.wide,
            _ => &mut self.planes.narrow,
        };
        let slot = Slot(*count);
        *count += 1;
        slot
    }

    fn find(&mut self, name: &'a str) -> Option<Register> {
        if let Some(register) = self.registers.get(name) {
            return Some(*register);
        }
        let kind = self.names.register(name)?;
        let register = Register {
            kind,
            slot: self.plane(kind),
        };
        self.registers.insert(name, register);
        Some(register)
    }

    /// A register of any type.
    pub(crate) fn register(&mut self, operand: &Operand<'a>) -> Result<Register, ParseError> {
        let found = match operand {
            Operand::Name(name) => self.find(name),
            _ => None,
        };
        match found {
            Some(register) => Ok(register),
            None if self.special(operand).is_ok_and(|found| found.is_some()) => {
                self.error(format!("`{operand}` is read by `mov` and `cvt` alone"))
            }
            None => self.error(format!("`{operand}` is no register")),
        }
    }

    /// A plane that nobody reads.
    pub(crate) fn sink(&mut self, kind: Type) -> Slot {
        self.plane(kind)
    }

    /// Where a result of type `kind` goes.
    pub(crate) fn result(&mut self, operand: &Operand<'a>, kind: Type) -> Result<Slot, ParseError> {
        let register = self.register(operand)?;
        self.agree(operand, kind, register.kind)?;
        Ok(register.slot)
    }

    fn agree(&self, operand: &Operand<'a>, kind: Type, register: Type) -> Result<(), ParseError> {
        if kind.agrees_with(register) {
            return Ok(());
        }
        self.error(format!(
            "`{operand}` is a {register}, where a {kind} should stand"
        ))
    }

    /// A register that a value of type `kind` may go to or come from, and that may be wider where
    /// it is no float.
    pub(crate) fn loose(
        &mut self,
        operand: &Operand<'a>,
        kind: Type,
    ) -> Result<Register, ParseError> {
        let register = self.register(operand)?;
        let floats = kind.is_float() || register.kind.is_float();
        let wider = register.kind.bytes() > kind.bytes() && !floats;
        if !wider || kind == Type::Predicate {
            self.agree(operand, kind, register.kind)?;
        }
        Ok(register)
    }

    /// An operand of type `kind`: a register or a constant.
    pub(crate) fn source(&mut self, operand: &Operand<'a>, kind: Type) -> Result<Slot, ParseError> {
        match operand {
            Operand::Name(_) | Operand::Part(..) => self.result(operand, kind),
            _ => {
                let bits = self.constant(operand, kind)?;
                Ok(self.constant_slot(kind, bits))
            }
        }
    }

    /// An operand as [`Decoder::source`], or a special register.
    pub(crate) fn any_source(
        &mut self,
        operand: &Operand<'a>,
        kind: Type,
    ) -> Result<Slot, ParseError> {
        match self.special(operand)? {
            Some(special) => {
                self.agree(operand, kind, Type::U32)?;
                Ok(special)
            }
            None => self.source(operand, kind),
        }
    }

    /// An operand as [`Decoder::loose`], or a constant.
    pub(crate) fn loose_source(
        &mut self,
        operand: &Operand<'a>,
        kind: Type,
    ) -> Result<Register, ParseError> {
        match operand {
            Operand::Name(_) | Operand::Part(..) => self.loose(operand, kind),
            _ => Ok(Register {
                kind,
                slot: self.source(operand, kind)?,
            }),
        }
    }

    /// An operand as [`Decoder::loose_source`], or a special register.
    pub(crate) fn any_loose_source(
        &mut self,
        operand: &Operand<'a>,
        kind: Type,
    ) -> Result<Register, ParseError> {
        let Some(slot) = self.special(operand)? else {
            return self.loose_source(operand, kind);
        };
        if kind.is_float() || kind.bytes() > 4 {
            self.agree(operand, kind, Type::U32)?;
        }
        Ok(Register {
            kind: Type::U32,
            slot,
        })
    }

    /// The plane of a special register, if the operand is one.
    fn special(&mut self, operand: &Operand<'a>) -> Result<Option<Slot>, ParseError> {
        let found = match operand {
            Operand::Name(name) if self.names.register(name).is_none() => {
                Special::named(name, None)
            }
            Operand::Part(name, part) => match Special::named(name, Some(part)) {
                Some(special) => Some(special),
                None => return self.error(format!("`{operand}` is no register")),
            },
            _ => None,
        };
        let Some(special) = found else {
            return Ok(None);
        };
        if let Some(slot) = self.planes.specials.get(&special) {
            return Ok(Some(*slot));
        }
        let slot = self.plane(Type::U32);
        self.planes.specials.insert(special, slot);
        Ok(Some(slot))
    }

    /// The bits of a constant of type `kind`.
    pub(crate) fn constant(&self, operand: &Operand<'a>, kind: Type) -> Result<u64, ParseError> {
        let width = kind.bytes() * 8;
        let found = match operand {
            Operand::Integer(value) if !kind.is_float() && kind != Type::Predicate => {
                if *value >= 1i128 << width || *value < -(1i128 << (width - 1)) {
                    return self.error(format!("{value} does not fit a {kind}"));
                }
                Some(*value as u64 & (!0 >> (64 - width)))
            }
            Operand::Integer(value @ (0 | 1)) if kind == Type::Predicate => Some(*value as u64),
            Operand::Single(bits) if matches!(kind, Type::F32 | Type::B32) => {
                Some(u64::from(*bits))
            }
            Operand::Double(bits) if matches!(kind, Type::F64 | Type::B64) => Some(*bits),
            Operand::Decimal(value) if kind == Type::F32 => {
                Some(u64::from((*value as f32).to_bits()))
            }
            Operand::Decimal(value) if kind == Type::F64 => Some(value.to_bits()),
            _ => None,
        };
        match found {
            Some(bits) => Ok(bits),
            None => self.error(format!("`{operand}` stands where a {kind} should")),
        }
    }

    /// An integer that the text must say.
    pub(crate) fn literal(&self, operand: &Operand<'a>, limit: u32) -> Result<u32, ParseError> {
        match operand {
            Operand::Integer(value) if (0..i128::from(limit)).contains(value) => Ok(*value as u32),
            _ => self.error(format!("`{operand}` should be a number less than {limit}")),
        }
    }

    /// The plane of a constant.
    pub(crate) fn constant_slot(&mut self, kind: Type, bits: u64) -> Slot {
        let known = match kind {
            Type::Predicate => self.planes.predicate_constants.get(&(bits != 0)),
            _ if is_wide(kind) => self.planes.wide_constants.get(&bits),
            _ => self.planes.narrow_constants.get(&(bits as u32)),
        };
        if let Some(slot) = known {
            return *slot;
        }
        let slot = self.plane(kind);
        match kind {
            Type::Predicate => {
                self.planes.predicate_constants.insert(bits != 0, slot);
            }
            _ if is_wide(kind) => {
                self.planes.wide_constants.insert(bits, slot);
            }
            _ => {
                self.planes.narrow_constants.insert(bits as u32, slot);
            }
        }
        slot
    }

    /// A predicate or its opposite.
    pub(crate) fn condition(&mut self, operand: &Operand<'a>) -> Result<Condition, ParseError> {
        let (name, negated) = match operand {
            Operand::Not(name) => (Operand::Name(name), true),
            _ => (operand.clone(), false),
        };
        Ok(Condition {
            slot: self.source(&name, Type::Predicate)?,
            negated,
        })
    }

    /// One or two results: `%p1`, `%p1|%p2`.
    pub(crate) fn results(
        &mut self,
        operand: &Operand<'a>,
        kinds: [Type; 2],
    ) -> Result<(Slot, Option<Slot>), ParseError> {
        let Operand::Both(first, second) = operand else {
            return Ok((self.result(operand, kinds[0])?, None));
        };
        let mut part = |name: &'a str, kind| match name {
            "_" => Ok(self.sink(kind)),
            _ => self.result(&Operand::Name(name), kind),
        };
        let first = part(first, kinds[0])?;
        Ok((first, Some(part(second, kinds[1])?)))
    }

    /// Registers of one type in braces, a part of a matrix.
    pub(crate) fn fragment(
        &mut self,
        operand: &Operand<'a>,
        count: usize,
        kind: Type,
    ) -> Result<Vec<Slot>, ParseError> {
        let parts = match operand {
            Operand::Vector(parts) if parts.len() == count => parts,
            _ => return self.error(format!("`{operand}` should be {count} registers in braces")),
        };
        parts.iter().map(|part| self.result(part, kind)).collect()
    }

    /// The place of a shared variable.
    pub(crate) fn variable(&self, name: &str) -> Option<u32> {
        self.names.shared.get(name).map(|variable| match variable {
            Variable::At(offset) => *offset,
            Variable::Dynamic { align } => self.shared_bytes.next_multiple_of(*align),
        })
    }

    /// Where a parameter begins, and how many bytes it takes.
    pub(crate) fn parameter(&self, name: &str) -> Option<(usize, usize)> {
        self.names
            .parameters
            .get(name)
            .map(|(offset, _, bytes)| (*offset, *bytes))
    }

    /// The number of the instruction behind a label.
    pub(crate) fn label(&self, operand: &Operand<'a>) -> Result<u32, ParseError> {
        let found = match operand {
            Operand::Name(name) => self.names.labels.get(name),
            _ => None,
        };
        match found {
            Some(at) => Ok(*at),
            None => self.error(format!("there is no label `{operand}`")),
        }
    }

    /// An address in brackets; `narrow` where registers of 32 bits may hold it.
    pub(crate) fn address(
        &mut self,
        operand: &Operand<'a>,
        narrow: bool,
    ) -> Result<Address, ParseError> {
        let Operand::Address(base, offset) = operand else {
            return self.error(format!("`{operand}` is no address in brackets"));
        };
        let base = match base {
            Base::Zero => {
                return self.error("an address needs a register or a variable");
            }
            Base::Name(name) => name,
        };
        if let Some(at) = self.variable(base) {
            if !narrow {
                return self.error(format!("`{base}` lies in shared memory"));
            }
            let base = self.constant_slot(Type::U32, u64::from(at));
            return Ok(Address {
                base,
                wide: false,
                offset: *offset,
            });
        }
        let register = self.register(&Operand::Name(base))?;
        let wide = is_wide(register.kind);
        if register.kind.is_float() || !wide && (!narrow || register.kind.bytes() != 4) {
            return self.error(format!(
                "`{base}` is a {}, which holds no address",
                register.kind
            ));
        }
        if *offset != i64::from(*offset as i32) {
            return self.error(format!("the offset {offset} does not fit 32 bits"));
        }
        Ok(Address {
            base: register.slot,
            wide,
            offset: *offset,
        })
    }
}

/// What follows an opcode, taken from left to right.
#[derive(Debug)]
pub(crate) struct Modifiers<'s, 'a> {
    rest: &'s [&'a str],
    line: u32,
    opcode: &'a str,
}

impl<'s, 'a> Modifiers<'s, 'a> {
    pub(crate) fn new(statement: &'s Statement<'a>) -> Modifiers<'s, 'a> {
        let Statement { line, opcode, .. } = *statement;
        Modifiers {
            rest: &statement.modifiers,
            line,
            opcode,
        }
    }

    pub(crate) fn error<T>(&self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError {
            line: self.line,
            message: message.into(),
        })
    }

    /// The next one, if it is one of `names`; gives its place among them.
    pub(crate) fn one_of(&mut self, names: &[&str]) -> Option<usize> {
        let next = self.rest.first()?;
        let found = names.iter().position(|name| name == next)?;
        self.rest = &self.rest[1..];
        Some(found)
    }

    /// Whether the next one is `name`, which is taken.
    pub(crate) fn eat(&mut self, name: &str) -> bool {
        self.one_of(&[name]).is_some()
    }

    /// The next one must be one of `names`.
    pub(crate) fn expect(&mut self, names: &[&str]) -> Result<usize, ParseError> {
        match self.one_of(names) {
            Some(found) => Ok(found),
            None => {
                let names: Vec<String> = names.iter().map(|name| format!("`.{name}`")).collect();
                let found = self
                    .rest
                    .first()
                    .map_or("nothing".to_owned(), |m| format!("`.{m}`"));
                let wanted = names.join(", ");
                self.error(format!(
                    "`{}` has {found} where {wanted} should stand",
                    self.opcode
                ))
            }
        }
    }

    /// The next one must be one of these types.
    pub(crate) fn kind(&mut self, kinds: &[Type]) -> Result<Type, ParseError> {
        let next = self.rest.first().copied();
        match next
            .and_then(Type::named)
            .filter(|kind| kinds.contains(kind))
        {
            Some(kind) => {
                self.rest = &self.rest[1..];
                Ok(kind)
            }
            None => {
                let found = next.map_or("no type".to_owned(), |name| format!("`.{name}`"));
                let kinds: Vec<String> = kinds.iter().map(Type::to_string).collect();
                let wanted = kinds.join(" ");
                self.error(format!(
                    "`{}` has {found}, not one of {wanted}",
                    self.opcode
                ))
            }
        }
    }

    /// Nothing must be left.
    pub(crate) fn end(&self) -> Result<(), ParseError> {
        match self.rest.first() {
            None => Ok(()),
            Some(rest) => self.error(format!("`{}` has no `.{rest}` here", self.opcode)),
        }
    }
}
