//! The workloads of `workloads.json` on a GPU, timed by its own events. Reads requests and writes answers, a line of
//! JSON each, as `torch_peer.py` says; of modes it has one.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use eyas::{
    Compiler, CudaArchitecture, DType, Device, Machine, Number, ParameterKind, Session,
    SessionOptions, Tensor, bind_weights,
};
use serde_json::{Value, json};

/// A workload that can be run.
struct Prepared {
    session: Session,
    inputs: Vec<Tensor>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = match Device::cuda(0) {
        Ok(device) => device,
        Err(error) => {
            println!("{}", json!({ "error": error.to_string() }));
            return Ok(());
        }
    };
    let peer = format!("eyas {}", env!("CARGO_PKG_VERSION"));
    let name = &device.description().name;
    say(&json!({ "peer": peer, "device": name }))?;
    let mut prepared = None;
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let answer = answer(&request, &device, &mut prepared);
        say(&answer.unwrap_or_else(|error| json!({ "error": error.to_string() })))?;
    }
    Ok(())
}

fn say(answer: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}")?;
    out.flush()
}

fn answer(
    request: &Value,
    device: &Device,
    prepared: &mut Option<Prepared>,
) -> Result<Value, Box<dyn Error>> {
    if let Some(workload) = request.get("prepare") {
        *prepared = None;
        let mut workload = prepare(workload, device)?;
        let answer = workload.sums();
        *prepared = Some(workload);
        return answer;
    }
    let runs = request["measure"].as_u64().ok_or("no number of runs")?;
    let workload = prepared.as_mut().ok_or("nothing is prepared")?;
    workload.time(3)?;
    let (_, times) = workload.time(runs as usize)?;
    Ok(json!({ "milliseconds": times }))
}

fn prepare(workload: &Value, device: &Device) -> Result<Prepared, Box<dyn Error>> {
    let dims: BTreeMap<String, i64> = serde_json::from_value(workload["dims"].clone())?;
    let bound: Vec<String> = serde_json::from_value(workload["bind"].clone())?;
    let bind = dims.iter().filter(|(name, _)| bound.contains(name));
    let compiler = Compiler {
        model: workload["model"].as_str().map(str::to_owned),
        bind: bind.map(|(name, &extent)| (name.clone(), extent)).collect(),
        machines: CudaArchitecture::ALL.map(Machine::Cuda).to_vec(),
        ..Compiler::default()
    };
    let source = workload["source"].as_str().ok_or("no source")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let set = compiler.compile(root.join(source))?;
    let mut weights = BTreeMap::new();
    for (path, kind) in set.parameters() {
        if let (ParameterKind::Parameter, Some(ty)) = (kind, set.parameter_type(path)) {
            let extents = ty.shape.iter().map(|dim| dim.as_constant());
            let extents: Option<Vec<i64>> = extents.collect();
            let extents = extents.ok_or("a parameter's extents are open")?;
            let shape: Vec<usize> = extents.into_iter().map(|extent| extent as usize).collect();
            weights.insert(path.to_owned(), parameter(path, &shape)?);
        }
    }
    let set = Arc::new(bind_weights(&set, weights, None)?);
    let options = SessionOptions {
        device: Some(device.clone()),
        ..SessionOptions::default()
    };
    let inputs = workload["inputs"].as_object().ok_or("no inputs")?.iter();
    let inputs = inputs.map(|(name, ty)| {
        let extents = ty[1].as_array().ok_or("no shape")?.iter();
        let extents = extents.map(|extent| match extent.as_str() {
            Some(dim) => dims.get(dim).copied(),
            None => extent.as_i64(),
        });
        let extents: Option<Vec<i64>> = extents.collect();
        let extents = extents.ok_or("an extent is open")?;
        let shape: Vec<usize> = extents.into_iter().map(|extent| extent as usize).collect();
        input(name, ty[0].as_str().unwrap_or_default(), &shape)
    });
    Ok(Prepared {
        inputs: inputs.collect::<Result<_, Box<dyn Error>>>()?,
        session: Session::with_options(&set, options)?,
    })
}

impl Prepared {
    fn time(&mut self, runs: usize) -> Result<(eyas::Outputs, Vec<f64>), Box<dyn Error>> {
        let inputs: Vec<&Tensor> = self.inputs.iter().collect();
        let (outputs, times) = self.session.time(&inputs, runs)?;
        let milliseconds = times.iter().map(|time| time.as_secs_f64() * 1e3);
        Ok((outputs, milliseconds.collect()))
    }

    /// Of the first output the alternating and the absolute sum, an element.
    fn sums(&mut self) -> Result<Value, Box<dyn Error>> {
        let (outputs, _) = self.time(1)?;
        let output = outputs.at(0).ok_or("no output")?;
        let values = output.as_f32().ok_or("the output is not f32")?;
        let (mut sum, mut absolute) = (0.0, 0.0);
        for (place, &value) in values.iter().enumerate() {
            let value = f64::from(value);
            sum += if place % 2 == 0 { value } else { -value };
            absolute += value.abs();
        }
        let count = values.len().max(1) as f64;
        Ok(json!({ "sum": sum / count, "absolute": absolute / count }))
    }
}

/// The hash of `values.py`.
fn hashes(name: &str, count: usize) -> impl Iterator<Item = u32> {
    let seed = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (0..count as u32).map(move |place| {
        let mut x = seed.wrapping_add(place.wrapping_mul(0x9e37_79b9));
        x ^= x >> 16;
        x = x.wrapping_mul(0x85eb_ca6b);
        x ^= x >> 13;
        x = x.wrapping_mul(0xc2b2_ae35);
        x ^ x >> 16
    })
}

fn uniform(name: &str, shape: &[usize]) -> Vec<f32> {
    let hashes = hashes(name, shape.iter().product());
    let values = hashes.map(|hash| (hash >> 8) as f32 / (1 << 24) as f32 - 0.5);
    values.collect()
}

fn parameter(path: &str, shape: &[usize]) -> Result<Tensor, Box<dyn Error>> {
    let base = if path.ends_with(".g") { 1.0 } else { 0.0 };
    let values = uniform(path, shape);
    let values: Vec<f32> = values.iter().map(|value| value * 0.1 + base).collect();
    Ok(Tensor::from_f32(shape, &values)?)
}

fn input(name: &str, dtype: &str, shape: &[usize]) -> Result<Tensor, Box<dyn Error>> {
    let hashes = hashes(name, shape.iter().product());
    let width = shape.last().copied().unwrap_or(1);
    let (dtype, numbers): (DType, Vec<Number>) = match dtype {
        "f32" => return Ok(Tensor::from_f32(shape, &uniform(name, shape))?),
        "i32" => {
            let numbers = hashes.map(|hash| Number::Int(i128::from(hash % 1000)));
            (DType::I32, numbers.collect())
        }
        "bool" => {
            let numbers = hashes.enumerate();
            let numbers = numbers.map(|(at, hash)| Number::Bool(hash % 4 != 0 || at % width == 0));
            (DType::Bool, numbers.collect())
        }
        other => return Err(format!("no values of {other}").into()),
    };
    Ok(Tensor::from_numbers(dtype, shape, &numbers)?)
}
