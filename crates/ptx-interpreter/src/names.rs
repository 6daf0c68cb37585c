use std::collections::BTreeMap;

use crate::Type;

/// What the names in an entry stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names<'a> {
    registers: BTreeMap<&'a str, Type>,
    /// `%r<10>`: the type and how many.
    families: BTreeMap<&'a str, (Type, u64)>,
    /// Shared variables: where they begin in the block's shared memory.
    pub(crate) shared: BTreeMap<&'a str, Variable>,
    /// Parameters: where they begin, and what they are.
    pub(crate) parameters: BTreeMap<&'a str, (usize, Type, usize)>,
    /// Labels: the number of the instruction that follows.
    pub(crate) labels: BTreeMap<&'a str, u32>,
}

/// A shared variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    /// At a known place.
    At(u32),
    /// After all others, as long as the launch says.
    Dynamic {
        /// What its address is a multiple of.
        align: u32,
    },
}

impl<'a> Names<'a> {
    /// The type of a register.
    pub(crate) fn register(&self, name: &str) -> Option<Type> {
        if let Some(kind) = self.registers.get(name) {
            return Some(*kind);
        }
        let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = &name[family.len()..];
        if number.len() > 1 && number.starts_with('0') {
            return None;
        }
        let number = number.parse::<u64>().ok()?;
        self.families
            .get(family)
            .filter(|(_, count)| number < *count)
            .map(|(kind, _)| *kind)
    }

    /// Declares a register; false where the name is taken.
    pub(crate) fn declare(&mut self, name: &'a str, kind: Type) -> bool {
        !self.is_taken(name) && self.registers.insert(name, kind).is_none()
    }

    /// Declares `count` registers, numbered from 0; false where a name is taken.
    pub(crate) fn declare_family(&mut self, family: &'a str, kind: Type, count: u64) -> bool {
        let alike = self.registers.range(family..).map(|(name, _)| *name);
        let mut alike = alike.map_while(|name| name.strip_prefix(family));
        let taken = alike.any(|number| number.parse::<u64>().is_ok_and(|number| number < count));
        !taken && self.families.insert(family, (kind, count)).is_none()
    }

    /// Whether a name stands for a register or variable.
    pub(crate) fn is_taken(&self, name: &str) -> bool {
        self.register(name).is_some()
            || self.shared.contains_key(name)
            || self.parameters.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_holds_as_many_registers_as_it_says() {
        let mut names = Names::default();
        assert!(names.declare_family("%r", Type::U32, 10));
        assert!(names.declare("%rd", Type::U64));
        assert_eq!(names.register("%r9"), Some(Type::U32));
        assert_eq!(names.register("%rd"), Some(Type::U64));
        for name in ["%r10", "%r09", "%r", "%rd1", "r1"] {
            assert_eq!(names.register(name), None, "{name}");
        }
        assert!(!names.declare("%r3", Type::U32) && names.declare("%r10", Type::U32));
    }
}
