use std::fmt;
use std::sync::Arc;

use egg::Id;
use eyas_ir::{Op, Value};
use eyas_tensor::DType;

use crate::builder::Builder;
use crate::instance::Instance;
use crate::pattern::{Match, Pattern};
use crate::term::TermOp;

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Family {
    Algebra,
    Folding,
    Layout,
    Reduction,
    Linear,
    Composite,
    Epilogue,
    /// Written in a model's file.
    User,
}

impl Family {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Family::Algebra => "algebra",
            Family::Folding => "folding",
            Family::Layout => "layout",
            Family::Reduction => "reduction",
            Family::Linear => "linear",
            Family::Composite => "composite",
            Family::Epilogue => "epilogue",
            Family::User => "user",
        }
    }
}

/// Whether a rule keeps to the arithmetic that the source asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exactness {
    /// The same real-number expression, each reduction summed by itself: always allowed. The
    /// sign of a zero may change.
    Exact,
    /// Equal over the real numbers alone: for `--math fast`.
    Fast,
}

/// What must hold of the operands, beyond what the left side says.
#[derive(Debug, Clone, PartialEq)]
pub struct Premises {
    /// The element types that instances are drawn from.
    pub dtypes: Vec<DType>,
    /// The least and greatest rank of the operands of instances.
    pub ranks: (usize, usize),
    /// What else holds, in words.
    pub text: String,
}

impl Premises {
    /// Whether the rule is checked with types of this kind: floats, signed or unsigned integers,
    /// bools. It is applied to no others.
    pub fn admits(&self, dtype: DType) -> bool {
        let kind = |dtype: DType| (dtype.is_float(), dtype.is_integer(), dtype.is_signed());
        self.dtypes.iter().any(|own| kind(*own) == kind(dtype))
    }
}

/// The float types that rules are checked with.
pub const FLOATS: [DType; 4] = [DType::F32, DType::F64, DType::F16, DType::BF16];
/// The integer types that rules are checked with.
pub const INTEGERS: [DType; 5] = [DType::I32, DType::I64, DType::I8, DType::U8, DType::U32];
/// The types of numbers that rules are checked with.
pub const NUMBERS: [DType; 9] = [
    DType::F32,
    DType::F64,
    DType::F16,
    DType::BF16,
    DType::I32,
    DType::I64,
    DType::I8,
    DType::U8,
    DType::U32,
];
/// Those and bool.
pub const EVERYTHING: [DType; 10] = [
    DType::F32,
    DType::F64,
    DType::F16,
    DType::BF16,
    DType::I32,
    DType::I64,
    DType::I8,
    DType::U8,
    DType::U32,
    DType::Bool,
];

/// The right side of a rule: builds what replaces a match, or finds that a premise fails.
pub type Replacement = Arc<dyn Fn(&Matched<'_>, &mut Builder<'_>) -> Option<Id> + Send + Sync>;

/// Builds an instance of the left side.
pub type Instantiation = Arc<dyn Fn(&mut Instance) -> Option<Value> + Send + Sync>;

/// A rewrite: wherever the left side stands, the right side is the same value.
#[derive(Clone)]
pub struct Rule {
    /// Its name, unique among all rules.
    pub name: String,
    /// What it is about.
    pub family: Family,
    /// Whether it keeps to the arithmetic of the source.
    pub exactness: Exactness,
    /// What it says, and why it holds.
    pub documentation: String,
    /// What must hold of the operands.
    pub premises: Premises,
    /// The left side.
    pub pattern: Pattern,
    /// The right side.
    pub replacement: Replacement,
    /// An instance of the left side for the check.
    pub instantiate: Instantiation,
    /// Whether the check rounds each result to its type; constants that the rule computes are
    /// rounded, too.
    pub rounded: bool,
    /// The rule over wider floats that the check takes in its place, for numbers in its text are
    /// rounded to the type.
    pub checked_as: Option<Arc<Rule>>,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("name", &self.name)
            .field("family", &self.family)
            .field("exactness", &self.exactness)
            .field("pattern", &self.pattern)
            .finish_non_exhaustive()
    }
}

impl Rule {
    /// An exact rule of a family.
    pub fn new(
        name: impl Into<String>,
        family: Family,
        documentation: impl Into<String>,
        pattern: Pattern,
        replacement: impl Fn(&Matched<'_>, &mut Builder<'_>) -> Option<Id> + Send + Sync + 'static,
        instantiate: impl Fn(&mut Instance) -> Option<Value> + Send + Sync + 'static,
    ) -> Rule {
        Rule {
            name: name.into(),
            family,
            exactness: Exactness::Exact,
            documentation: documentation.into(),
            premises: Premises {
                dtypes: FLOATS.to_vec(),
                ranks: (0, 3),
                text: String::new(),
            },
            pattern,
            replacement: Arc::new(replacement),
            instantiate: Arc::new(instantiate),
            rounded: false,
            checked_as: None,
        }
    }

    /// For `--math fast` alone.
    #[must_use]
    pub fn fast(mut self) -> Rule {
        self.exactness = Exactness::Fast;
        self
    }

    /// Checked with these element types.
    #[must_use]
    pub fn of(mut self, dtypes: &[DType]) -> Rule {
        self.premises.dtypes = dtypes.to_vec();
        self
    }

    /// Checked with operands of these ranks.
    #[must_use]
    pub fn ranks(mut self, least: usize, most: usize) -> Rule {
        self.premises.ranks = (least, most);
        self
    }

    /// Under a premise that the replacement tests.
    #[must_use]
    pub fn given(mut self, text: &str) -> Rule {
        self.premises.text = text.to_owned();
        self
    }

    /// Checked with results rounded to their types.
    #[must_use]
    pub fn rounded(mut self) -> Rule {
        self.rounded = true;
        self
    }
}

/// A match, with its ops at hand.
#[derive(Debug)]
pub struct Matched<'a> {
    pub(crate) found: &'a Match,
    pub(crate) ops: Vec<Arc<TermOp>>,
}

impl Matched<'_> {
    /// The class of the whole.
    pub fn root(&self) -> Id {
        self.found.root
    }

    /// The class of one of the pattern's numbers.
    pub fn value(&self, number: usize) -> Id {
        self.found.values[number]
    }

    /// One of the pattern's ops, outer ones first.
    pub fn op(&self, place: usize) -> Option<&Op> {
        match self.ops.get(place).map(Arc::as_ref) {
            Some(TermOp::Op(op, _)) => Some(op),
            _ => None,
        }
    }

    /// The operands of one of the pattern's ops.
    pub fn operands(&self, place: usize) -> &[Id] {
        &self.found.terms[place].operands
    }
}
