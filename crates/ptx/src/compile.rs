use std::collections::BTreeSet;

use eyas_ir::{Body, ScalarOp};
use eyas_kernels::{Argument, Capabilities, Kernel, Role, Work, expand};
use eyas_plan::{Code, Function, FunctionArgument, Grid};
use eyas_tensor::{DType, Dim, Facts};

use crate::emitter::Emitter;
use crate::error::Fault;
use crate::name::entry_name;
use crate::printer::{Entry, print_preamble};
use crate::simplify::simplify;
use crate::{Options, PtxError, contraction, map, reduce, scatter};

/// Compiles kernels into one module, an entry each in their order. The same kernels and options
/// give the same text.
///
/// # Errors
/// [`PtxError`], naming the kernel.
pub fn compile(kernels: &[Kernel], options: &Options) -> Result<Code, PtxError> {
    let mut text = print_preamble(options.architecture);
    let mut functions = Vec::with_capacity(kernels.len());
    let mut taken = BTreeSet::new();
    for kernel in kernels {
        kernel.verify(&Facts::default())?;
        let name = entry_name(&kernel.name, &mut taken);
        let made = compile_kernel(kernel, name, options).map_err(|fault| fault.of(&kernel.name))?;
        let (entry, mut function) = made;
        text.push('\n');
        function.offset = text.len();
        text.push_str(&entry.to_string());
        function.size = text.len() - function.offset;
        functions.push(function);
    }
    Ok(Code {
        bytes: text.into_bytes(),
        functions,
    })
}

fn compile_kernel(
    kernel: &Kernel,
    name: String,
    options: &Options,
) -> Result<(Entry, Function), Fault> {
    check_types(kernel)?;
    // Families see few axes, and bodies of what the machine has.
    let work = kernel.coalesced();
    let work = work.map_bodies(|body| expand(body, Capabilities::ALL));
    let mut emitter = Emitter::new(&work);
    let mut launch = match &work.work {
        Work::Map(map) => map::emit(&mut emitter, map)?,
        Work::Reduce(reduce) => reduce::emit(&mut emitter, reduce)?,
        Work::Contraction(contraction) => contraction::emit(&mut emitter, contraction)?,
        Work::Scatter(scatter) => scatter::emit(&mut emitter, scatter)?,
    };
    // Code that never runs may name scratch memory of no bytes; the parameter is there nevertheless.
    if emitter.has_scratch() && launch.scratch.is(0) {
        launch.scratch = Dim::from(1);
    }
    let emitted = emitter.finish(&launch);
    let function = Function {
        name: kernel.name.clone(),
        offset: 0,
        size: 0,
        arguments: kernel.arguments.iter().map(argument).collect(),
        dims: emitted.dims,
        units: launch.units,
        unit_cost: launch.unit_cost,
        scratch: launch.scratch,
        grid: Some(Grid {
            entry: name.clone(),
            threads: launch.threads,
            shared: 0,
            checks: emitted.checks,
            cleared: launch.cleared,
        }),
    };
    let entry = Entry {
        name,
        header: header(kernel, options),
        parameters: emitted.parameters,
        threads: launch.threads,
        resident: launch.resident,
        written: simplify(emitted.written),
    };
    Ok((entry, function))
}

fn argument(argument: &Argument) -> FunctionArgument {
    FunctionArgument {
        dtype: argument.dtype,
        length: argument.length.clone(),
        writes: argument.role != Role::Read,
    }
}

/// Elements that are no whole bytes have no GPU form.
fn check_types(kernel: &Kernel) -> Result<(), Fault> {
    let arguments = kernel.arguments.iter().map(|argument| argument.dtype);
    let bodies = kernel.bodies();
    let nodes = bodies.iter().flat_map(|body| &body.nodes);
    let mut types = arguments.chain(nodes.map(|node| node.dtype));
    match types.find(|dtype| matches!(dtype, DType::I4 | DType::U4)) {
        Some(dtype) => Err(Fault::Unsupported(format!("element type `{dtype}`"))),
        None => Ok(()),
    }
}

/// The functions of a body in their order, the first few.
fn functions(body: &Body) -> String {
    const MOST: usize = 6;
    let names = body.nodes.iter().filter_map(|node| match node.op {
        ScalarOp::Unary(function, _) => Some(format!("{function:?}")),
        ScalarOp::Binary(function, ..) => Some(format!("{function:?}")),
        ScalarOp::Compare(comparison, ..) => Some(format!("{comparison:?}")),
        ScalarOp::Select(..) => Some("Select".to_owned()),
        ScalarOp::MultiplyAdd(..) => Some("MultiplyAdd".to_owned()),
        ScalarOp::Cast(_) => Some(format!("{}", node.dtype)),
        ScalarOp::Bitcast(_) | ScalarOp::ShiftLeft(..) | ScalarOp::ShiftRight(..) => {
            Some("bits".to_owned())
        }
        ScalarOp::Input(_) | ScalarOp::Literal(_) | ScalarOp::Extent(_) | ScalarOp::Index(_) => {
            None
        }
    });
    let mut names: Vec<String> = names.map(|name| name.to_lowercase()).collect();
    names.dedup();
    if names.len() > MOST {
        names.truncate(MOST);
        names.push("...".to_owned());
    }
    match names.is_empty() {
        true => "copy".to_owned(),
        false => names.join(", "),
    }
}

/// What stands above an entry: the kernel's name, what it does, and where it comes from.
fn header(kernel: &Kernel, options: &Options) -> Vec<String> {
    let list = |dims: &[Dim]| {
        let dims: Vec<String> = dims.iter().map(Dim::to_string).collect();
        format!("[{}]", dims.join(", "))
    };
    let what = match &kernel.work {
        Work::Map(map) => {
            let what = functions(&map.body);
            format!("map over {}: {what}", list(&map.extents))
        }
        Work::Reduce(reduce) => {
            let (outer, inner) = (list(&reduce.outer), list(&reduce.inner));
            format!("reduction of rows {inner}, a row for each of {outer}")
        }
        Work::Contraction(c) => {
            let rows = [&c.batch[..], &c.rows].concat();
            let (columns, contracted) = (list(&c.columns), list(&c.contracted));
            format!("contraction {} x {columns} over {contracted}", list(&rows))
        }
        Work::Scatter(scatter) => format!("scatter of {}", list(&scatter.extents)),
    };
    let mut lines = vec![kernel.name.clone(), what];
    let labels = kernel.origin.labels.iter();
    lines.extend(labels.map(|label| format!("label  {label}")));
    let places = options.places.get(&kernel.name);
    lines.extend(
        places
            .into_iter()
            .flatten()
            .map(|place| format!("source {place}")),
    );
    lines
}
