use std::fmt;

/// An instruction as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement<'a> {
    pub(crate) line: u32,
    /// The predicate that it depends on, and whether on its opposite.
    pub(crate) guard: Option<(&'a str, bool)>,
    pub(crate) opcode: &'a str,
    pub(crate) modifiers: Vec<&'a str>,
    pub(crate) operands: Vec<Operand<'a>>,
}

/// An operand as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand<'a> {
    /// A register, a variable, a label.
    Name(&'a str),
    /// `%tid.x`.
    Part(&'a str, &'a str),
    /// `!%p1`.
    Not(&'a str),
    /// `%p1|%p2`: two results.
    Both(&'a str, &'a str),
    /// `_`: a result that nobody wants.
    Sink,
    Integer(i128),
    Decimal(f64),
    Single(u32),
    Double(u64),
    /// `[base+offset]`.
    Address(Base<'a>, i64),
    Vector(Vec<Operand<'a>>),
}

/// What an address is counted from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Base<'a> {
    Name(&'a str),
    Zero,
}

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Name(name) => f.write_str(name),
            Operand::Part(name, part) => write!(f, "{name}.{part}"),
            Operand::Not(name) => write!(f, "!{name}"),
            Operand::Both(first, second) => write!(f, "{first}|{second}"),
            Operand::Sink => f.write_str("_"),
            Operand::Integer(value) => write!(f, "{value}"),
            Operand::Decimal(value) => write!(f, "{value}"),
            Operand::Single(bits) => write!(f, "0f{bits:08x}"),
            Operand::Double(bits) => write!(f, "0d{bits:016x}"),
            Operand::Address(Base::Name(name), offset) => write!(f, "[{name}+{offset}]"),
            Operand::Address(Base::Zero, offset) => write!(f, "[{offset}]"),
            Operand::Vector(parts) => {
                let parts: Vec<String> = parts.iter().map(Operand::to_string).collect();
                write!(f, "{{{}}}", parts.join(", "))
            }
        }
    }
}
