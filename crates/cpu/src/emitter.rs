use std::collections::BTreeMap;

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, Function, Inst, InstBuilder, MemFlagsData, Type, Value, types,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FuncInstBuilder, FunctionBuilder, FunctionBuilderContext};
use eyas_kernels::Argument;
use eyas_plan::LaunchContext;
use eyas_tensor::{DType, Dim};

use crate::DimTable;
use crate::error::Fault;
use crate::target::Abilities;

/// Writes one kernel's function.
pub(crate) struct Emitter<'f> {
    pub(crate) builder: FunctionBuilder<'f>,
    pub(crate) abilities: Abilities,
    arguments: &'f [Argument],
    context: Value,
    argument_table: Value,
    dim_values: Value,
    /// The end of the entry block: what is read off the context goes before it, once.
    entry_end: Inst,
    start: Value,
    end: Value,
    dims: DimTable,
    known_dims: BTreeMap<usize, Value>,
    known_arguments: BTreeMap<usize, Value>,
    failure: Option<Block>,
}

/// Memory that is there, with no promise of alignment.
pub(crate) const PLAIN: MemFlagsData = MemFlagsData::new().with_notrap();

/// Memory that the kernel does not write, read wherever it suits; only for addresses that change
/// with the loop around, lest they are read before it is known whether it runs.
pub(crate) const MOVABLE: MemFlagsData = PLAIN.with_readonly().with_can_move();

/// Memory that nobody writes while the kernel runs.
const FIXED: MemFlagsData = MemFlagsData::trusted().with_readonly().with_can_move();

impl<'f> Emitter<'f> {
    pub(crate) fn new(
        function: &'f mut Function,
        frontend: &'f mut FunctionBuilderContext,
        arguments: &'f [Argument],
        abilities: Abilities,
    ) -> Emitter<'f> {
        let mut builder = FunctionBuilder::new(function, frontend);
        let entry = builder.create_block();
        builder.append_block_params_for_function_params(entry);
        builder.switch_to_block(entry);
        let parameters = builder.block_params(entry);
        let (context, start, end) = (parameters[0], parameters[1], parameters[2]);
        let mut pointer = |offset| builder.ins().load(types::I64, FIXED, context, offset);
        let argument_table = pointer(LaunchContext::ARGUMENTS);
        let dim_values = pointer(LaunchContext::DIMS);
        let main = builder.create_block();
        let entry_end = builder.ins().jump(main, &[]);
        builder.switch_to_block(main);
        Emitter {
            builder,
            abilities,
            arguments,
            context,
            argument_table,
            dim_values,
            entry_end,
            start,
            end,
            dims: DimTable::default(),
            known_dims: BTreeMap::new(),
            known_arguments: BTreeMap::new(),
            failure: None,
        }
    }

    /// Returns 0, and gives the dims that the function reads.
    pub(crate) fn finish(mut self, target: &dyn TargetIsa) -> Vec<Dim> {
        let done = self.ins().iconst(types::I32, 0);
        self.ins().return_(&[done]);
        if let Some(block) = self.failure {
            self.write_failure(block);
        }
        self.builder.seal_all_blocks();
        self.builder.finalize(target.frontend_config());
        self.dims.into_dims()
    }

    fn write_failure(&mut self, block: Block) {
        self.builder.switch_to_block(block);
        self.builder.set_cold_block(block);
        let context = self.context;
        let offsets = [
            LaunchContext::FAILED_ARGUMENT,
            LaunchContext::FAILED_INDEX,
            LaunchContext::FAILED_EXTENT,
        ];
        for (position, offset) in offsets.into_iter().enumerate() {
            let value = self.builder.block_params(block)[position];
            self.ins()
                .store(MemFlagsData::trusted(), value, context, offset);
        }
        let failed = self.ins().iconst(types::I32, 1);
        self.ins().return_(&[failed]);
    }

    pub(crate) fn ins(&mut self) -> FuncInstBuilder<'_, 'f> {
        self.builder.ins()
    }

    /// The first unit to be done, and the one after the last.
    pub(crate) fn units(&self) -> (Value, Value) {
        (self.start, self.end)
    }

    /// The element type of an argument.
    pub(crate) fn dtype(&self, argument: usize) -> DType {
        self.arguments[argument].dtype
    }

    pub(crate) fn integer(&mut self, value: i64) -> Value {
        self.ins().iconst(types::I64, value)
    }

    /// A dim's value.
    pub(crate) fn dim(&mut self, dim: &Dim) -> Value {
        if let Some(value) = dim.as_constant() {
            return self.integer(value);
        }
        let place = self.dims.place(dim);
        if let Some(&value) = self.known_dims.get(&place) {
            return value;
        }
        let value = self.read_at_entry(self.dim_values, place);
        self.known_dims.insert(place, value);
        value
    }

    /// The first byte of an argument.
    pub(crate) fn argument(&mut self, argument: usize) -> Value {
        if let Some(&value) = self.known_arguments.get(&argument) {
            return value;
        }
        let value = self.read_at_entry(self.argument_table, argument);
        self.known_arguments.insert(argument, value);
        value
    }

    /// This thread's scratch memory.
    pub(crate) fn scratch(&mut self) -> Value {
        let context = self.context;
        self.ins()
            .load(types::I64, FIXED, context, LaunchContext::SCRATCH)
    }

    fn read_at_entry(&mut self, table: Value, place: usize) -> Value {
        let mut cursor = FuncCursor::new(self.builder.func).at_inst(self.entry_end);
        let offset = i32::try_from(8 * place).unwrap_or(i32::MAX);
        cursor.ins().load(types::I64, FIXED, table, offset)
    }

    /// `base + index * stride * size`
    pub(crate) fn step(
        &mut self,
        base: Value,
        index: Value,
        stride: &Dim,
        size: i64,
    ) -> Result<Value, Fault> {
        let bytes = stride.mul(&Dim::from(size))?;
        let distance = match bytes.as_constant() {
            Some(0) => return Ok(base),
            Some(1) => index,
            Some(bytes) if bytes > 0 && bytes & (bytes - 1) == 0 => self
                .ins()
                .ishl_imm_s(index, i64::from(bytes.trailing_zeros())),
            Some(bytes) => self.ins().imul_imm_s(index, bytes),
            None => {
                let bytes = self.dim(&bytes);
                self.ins().imul(index, bytes)
            }
        };
        Ok(self.ins().iadd(base, distance))
    }

    /// `base + offset * size`
    pub(crate) fn shift(&mut self, base: Value, offset: &Dim, size: i64) -> Result<Value, Fault> {
        let bytes = offset.mul(&Dim::from(size))?;
        if bytes.is(0) {
            return Ok(base);
        }
        let bytes = self.dim(&bytes);
        Ok(self.ins().iadd(base, bytes))
    }

    /// Fails the launch unless `0 <= index < extent`; the argument is the one that is indexed.
    pub(crate) fn check_index(&mut self, argument: usize, index: Value, extent: &Dim) {
        let failure = match self.failure {
            Some(block) => block,
            None => {
                let block = self.builder.create_block();
                for _ in 0..3 {
                    self.builder.append_block_param(block, types::I64);
                }
                *self.failure.insert(block)
            }
        };
        let extent = self.dim(extent);
        let argument = self.integer(argument as i64);
        let inside = self.ins().icmp(IntCC::UnsignedLessThan, index, extent);
        let next = self.builder.create_block();
        let failed = block_arguments(&[argument, index, extent]);
        self.ins().brif(inside, next, &[], failure, &failed);
        self.builder.switch_to_block(next);
    }

    /// Runs `body` for `from`, `from + step`, ... below `to`; what it gives is carried to the next
    /// time and at last given back.
    pub(crate) fn repeat(
        &mut self,
        from: Value,
        to: Value,
        step: i64,
        carried: &[Value],
        body: impl FnOnce(&mut Self, Value, &[Value]) -> Result<Vec<Value>, Fault>,
    ) -> Result<Vec<Value>, Fault> {
        let (inside, after) = (self.builder.create_block(), self.builder.create_block());
        self.builder.append_block_param(inside, types::I64);
        for &value in carried {
            let ty = self.type_of(value);
            self.builder.append_block_param(inside, ty);
            self.builder.append_block_param(after, ty);
        }
        let leave = block_arguments(carried);
        let mut enter = block_arguments(&[from]);
        enter.extend(&leave);
        let any = self.ins().icmp(IntCC::SignedLessThan, from, to);
        self.ins().brif(any, inside, &enter, after, &leave);
        self.builder.switch_to_block(inside);
        let parameters = self.builder.block_params(inside).to_vec();
        let results = body(self, parameters[0], &parameters[1..])?;
        let next = self.ins().iadd_imm_s(parameters[0], step);
        let more = self.ins().icmp(IntCC::SignedLessThan, next, to);
        let leave = block_arguments(&results);
        let mut again = block_arguments(&[next]);
        again.extend(&leave);
        self.ins().brif(more, inside, &again, after, &leave);
        self.builder.switch_to_block(after);
        Ok(self.builder.block_params(after).to_vec())
    }

    /// Runs `body` only where the condition holds.
    pub(crate) fn when(
        &mut self,
        condition: Value,
        body: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (inside, after) = (self.builder.create_block(), self.builder.create_block());
        self.ins().brif(condition, inside, &[], after, &[]);
        self.builder.switch_to_block(inside);
        body(self)?;
        self.ins().jump(after, &[]);
        self.builder.switch_to_block(after);
        Ok(())
    }

    pub(crate) fn type_of(&self, value: Value) -> Type {
        self.builder.func.dfg.value_type(value)
    }

    /// The lesser of two signed numbers.
    pub(crate) fn least(&mut self, a: Value, b: Value) -> Value {
        self.ins().smin(a, b)
    }
}

fn block_arguments(values: &[Value]) -> Vec<BlockArg> {
    values.iter().copied().map(BlockArg::Value).collect()
}
