//! Control flow in blocks, on top of labels and branches.

use eyas_ir::Comparison;

use super::{
    AnyOperand, Builder, Integer, Mnemonic, Operand, Predicate, Register, Statement, Suffix,
};

/// A place that branches lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Its number in the entry.
    pub number: u32,
    /// What is there.
    pub name: &'static str,
}

impl Builder {
    /// A label that is nowhere yet.
    pub fn label(&mut self, name: &'static str) -> Label {
        self.labels += 1;
        let number = self.labels;
        Label { number, name }
    }

    /// Puts a label here.
    pub fn place(&mut self, label: Label) {
        self.body.push(Statement::Label(label));
    }

    /// Goes on at a label.
    pub fn branch(&mut self, label: Label) {
        self.push(Mnemonic::Branch, [], [AnyOperand::Label(label)]);
    }

    /// Goes on at a label, as all threads of a warp do that come here.
    pub fn branch_uniformly(&mut self, label: Label) {
        let modifiers = [Suffix::Uni.into()];
        self.push(Mnemonic::Branch, modifiers, [AnyOperand::Label(label)]);
    }

    /// Goes on at a label where the condition is as said.
    pub fn branch_where(&mut self, condition: Register<Predicate>, holds: bool, label: Label) {
        self.guarded(condition, holds, |b| b.branch(label));
    }

    /// Ends the thread where the condition is as said.
    pub fn return_where(&mut self, condition: Register<Predicate>, holds: bool) {
        self.guarded(condition, holds, |b| b.push(Mnemonic::Return, [], []));
    }
}

/// Whoever writes through a builder.
pub trait Control {
    /// The builder.
    fn builder(&mut self) -> &mut Builder;

    /// Runs `body` where the condition holds.
    ///
    /// # Errors
    /// What `body` gives.
    fn when<E>(
        &mut self,
        condition: Register<Predicate>,
        body: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let done = self.builder().label("done");
        self.builder().branch_where(condition, false, done);
        body(self)?;
        self.builder().place(done);
        Ok(())
    }

    /// Runs `body` where the condition does not hold.
    ///
    /// # Errors
    /// What `body` gives.
    fn unless<E>(
        &mut self,
        condition: Register<Predicate>,
        body: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let done = self.builder().label("done");
        self.builder().branch_where(condition, true, done);
        body(self)?;
        self.builder().place(done);
        Ok(())
    }

    /// Runs one or the other.
    ///
    /// # Errors
    /// What these give.
    fn when_else<E>(
        &mut self,
        condition: Register<Predicate>,
        then: impl FnOnce(&mut Self) -> Result<(), E>,
        otherwise: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let (other, done) = (self.builder().label("else"), self.builder().label("done"));
        self.builder().branch_where(condition, false, other);
        then(self)?;
        self.builder().branch(done);
        self.builder().place(other);
        otherwise(self)?;
        self.builder().place(done);
        Ok(())
    }

    /// Runs `body` for `from`, `from + step`, ... below `to`.
    ///
    /// # Errors
    /// What `body` gives.
    fn repeat<T: Integer, E>(
        &mut self,
        from: impl Into<Operand<T>>,
        to: impl Into<Operand<T>>,
        step: impl Into<Operand<T>>,
        body: impl FnOnce(&mut Self, Register<T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (to, step) = (to.into(), step.into());
        let b = self.builder();
        let (again, done) = (b.label("loop"), b.label("done"));
        let place = b.copy(from);
        let any = b.compare(Comparison::Less, place, to);
        b.branch_where(any, false, done);
        b.place(again);
        body(self, place)?;
        let b = self.builder();
        b.set(place, |b| b.add(place, step));
        let more = b.compare(Comparison::Less, place, to);
        b.branch_where(more, true, again);
        b.place(done);
        Ok(())
    }

    /// Runs `body` again and again as long as the condition holds that `test` computes before.
    ///
    /// # Errors
    /// What these give.
    fn repeat_while<E>(
        &mut self,
        test: impl FnOnce(&mut Self) -> Result<Register<Predicate>, E>,
        body: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let b = self.builder();
        let (again, done) = (b.label("loop"), b.label("done"));
        b.place(again);
        let more = test(self)?;
        self.builder().branch_where(more, false, done);
        body(self)?;
        self.builder().branch(again);
        self.builder().place(done);
        Ok(())
    }
}

impl Control for Builder {
    fn builder(&mut self) -> &mut Builder {
        self
    }
}
