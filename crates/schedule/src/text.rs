use std::fmt::{self, Write};

use eyas_kernels::{Kernel, Role};
use eyas_plan::{Buffer, BufferId, Launch, Loop, Operand, Place, Plan, Step};

use crate::{DerivedPlan, Program};

impl Program {
    /// All kernels and plans as text.
    pub fn to_text(&self) -> String {
        format!("{}{}", self.kernel_text(), self.plan_text())
    }

    /// All kernels as text, in their order.
    pub fn kernel_text(&self) -> String {
        self.kernels.iter().map(Kernel::to_string).collect()
    }

    /// All plans as text: each buffer with its type, place, size and live range, then the steps by
    /// number.
    pub fn plan_text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write_plans(&mut text);
        text
    }

    fn write_plans(&self, text: &mut String) -> fmt::Result {
        for (number, constant) in self.constants.iter().enumerate() {
            let tensor = constant.tensor();
            writeln!(
                text,
                "constant {number} : {}{:?}",
                tensor.dtype(),
                tensor.shape()
            )?;
        }
        for entry in &self.entries {
            writeln!(text, "entry {}", entry.name)?;
            self.write_plan(text, &entry.plan)?;
        }
        for derived in &self.derived {
            write_derived(text, derived)?;
            self.write_plan(text, &derived.plan)?;
        }
        Ok(())
    }

    fn write_plan(&self, text: &mut String, plan: &Plan) -> fmt::Result {
        for (number, buffer) in plan.buffers.iter().enumerate() {
            write_buffer(text, number, buffer)?;
        }
        let mut writer = StepWriter {
            text,
            kernels: &self.kernels,
            number: 0,
        };
        writer.steps(&plan.steps, 1)
    }
}

fn write_derived(text: &mut String, derived: &DerivedPlan) -> fmt::Result {
    write!(text, "derived {} : {}", derived.path, derived.ty)?;
    for (name, start, count) in &derived.counters {
        write!(text, ", {name} from {start}, {count} times")?;
    }
    writeln!(text)
}

fn write_buffer(text: &mut String, number: usize, buffer: &Buffer) -> fmt::Result {
    let Buffer { name, ty, live, .. } = buffer;
    write!(text, "  %{number} {name} : {ty} in ")?;
    match &buffer.place {
        Place::Input(number) => write!(text, "input {number}")?,
        Place::Output(number) => write!(text, "output {number}")?,
        Place::Arena => text.push_str("arena"),
        Place::Constant(number) => write!(text, "constant {number}")?,
        Place::Parameter(_) => text.push_str("parameter"),
        Place::State(_) => text.push_str("state"),
    }
    if let Ok(count) = ty.element_count() {
        let bits = eyas_tensor::Dim::from(ty.dtype.bits() as i64);
        match (bits.as_constant(), count.mul(&bits)) {
            (Some(each), Ok(bits)) if each % 8 == 0 => {
                if let Ok(bytes) = bits.floor_div(&eyas_tensor::Dim::from(8)) {
                    write!(text, ", {bytes} bytes")?;
                }
            }
            (_, Ok(bits)) => write!(text, ", {bits} bits")?,
            _ => {}
        }
    }
    writeln!(text, ", live {}..{}", live.first, live.last)
}

struct StepWriter<'a> {
    text: &'a mut String,
    kernels: &'a [Kernel],
    number: u32,
}

impl StepWriter<'_> {
    fn steps(&mut self, steps: &[Step], depth: usize) -> fmt::Result {
        for step in steps {
            write!(
                self.text,
                "{:indent$}{}: ",
                "",
                self.number,
                indent = 2 * depth
            )?;
            self.number += 1;
            match step {
                Step::Launch(launch) => self.launch(launch)?,
                Step::Loop(looped) => {
                    self.head(looped)?;
                    self.steps(&looped.body, depth + 1)?;
                }
                Step::If(branches) => {
                    writeln!(self.text, "if {}", buffer(branches.condition))?;
                    self.steps(&branches.then, depth + 1)?;
                    writeln!(self.text, "{:indent$}else", "", indent = 2 * depth)?;
                    self.steps(&branches.otherwise, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn launch(&mut self, launch: &Launch) -> fmt::Result {
        let Some(kernel) = self.kernels.get(launch.kernel) else {
            return writeln!(self.text, "kernel {}", launch.kernel);
        };
        let of = |reads: bool| {
            let pairs = launch.arguments.iter().zip(&kernel.arguments);
            let wanted = pairs.filter(|(_, a)| (a.role == Role::Read) == reads);
            let names: Vec<String> = wanted.map(|(o, _)| operand(o)).collect();
            names.join(", ")
        };
        writeln!(self.text, "{} = {}({})", of(false), kernel.name, of(true))
    }

    fn head(&mut self, looped: &Loop) -> fmt::Result {
        let Loop {
            variable,
            trip,
            start,
            count,
            ..
        } = looped;
        write!(
            self.text,
            "loop {variable} from {start}, {count} times as {trip}"
        )?;
        if let Some(counter) = looped.counter {
            write!(self.text, ", counter {}", buffer(counter))?;
        }
        if let Some(condition) = looped.condition {
            write!(self.text, ", while {}", buffer(condition))?;
        }
        for carry in &looped.carried {
            write!(
                self.text,
                ", carry {} <- {}",
                buffer(carry.current),
                buffer(carry.next)
            )?;
        }
        for zeroed in &looped.zeroed {
            write!(self.text, ", zero {}", buffer(*zeroed))?;
        }
        writeln!(self.text)
    }
}

fn buffer(id: BufferId) -> String {
    format!("%{}", id.0)
}

fn operand(operand: &Operand) -> String {
    match operand.offset.is(0) {
        true => buffer(operand.buffer),
        false => format!("{}+({})", buffer(operand.buffer), operand.offset),
    }
}
