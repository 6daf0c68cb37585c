use std::collections::BTreeMap;

use eyas_ir::Value;
use eyas_kernels::{Argument, Role};
use eyas_plan::Operand;
use eyas_tensor::{DType, Dim};

use crate::ScheduleError;

/// Where a value lies, what it is, and how many elements it has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Home {
    pub(crate) operand: Operand,
    pub(crate) dtype: DType,
    pub(crate) length: Dim,
}

/// The arguments of one kernel while it is built.
pub(crate) struct Arguments<'a> {
    homes: &'a BTreeMap<Value, Home>,
    pub(crate) operands: Vec<Operand>,
    pub(crate) arguments: Vec<Argument>,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(homes: &'a BTreeMap<Value, Home>) -> Arguments<'a> {
        Arguments {
            homes,
            operands: Vec::new(),
            arguments: Vec::new(),
        }
    }

    /// The argument that holds a value.
    pub(crate) fn read(&mut self, value: Value) -> Result<usize, ScheduleError> {
        let home = self.homes.get(&value).cloned();
        let home = home.ok_or_else(|| ScheduleError::Internal("a value without memory".into()))?;
        Ok(self.add(&home, Role::Read))
    }

    /// The argument for a piece of memory; the same one for the same piece in the same role.
    pub(crate) fn add(&mut self, home: &Home, role: Role) -> usize {
        let known = self.operands.iter().zip(&self.arguments);
        let same = |(operand, argument): (&Operand, &Argument)| {
            *operand == home.operand && argument.role == role && argument.dtype == home.dtype
        };
        if let Some(position) = known.into_iter().position(same) {
            return position;
        }
        self.operands.push(home.operand.clone());
        self.arguments.push(Argument {
            dtype: home.dtype,
            role,
            length: home.length.clone(),
        });
        self.operands.len() - 1
    }
}
