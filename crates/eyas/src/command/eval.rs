use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use eyas::{
    Batch, Dataset, Diagnostic, MetricInfo, MetricKind, Port, RuntimeError, Session, Tensor,
    TrainInfo,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::arguments::{Eval, TableFormat};
use super::data::Loaded;
use super::{Failed, Outcome, Terminal, data, output};

/// Examples a run where the train block does not say.
const BATCH: u32 = 128;

pub(crate) fn run(terminal: &Terminal, own: &Eval) -> Outcome {
    let loaded = data::load(terminal, &own.file, &own.options, &own.device)?;
    let mut session = data::session(terminal, &loaded, &own.options, &own.device)?;
    let Some(source) = &loaded.source else {
        let message = "a kernel set does not say which data and metrics it is measured by";
        let help = "give the source file; its `train` block does";
        return Err(terminal.fault(Diagnostic::error("E0801", message).help(help)));
    };
    let model = session.entry().name.clone();
    let trains = &source.elaborated().trains;
    let Some(train) = trains.iter().find(|train| train.model == model) else {
        return Err(terminal.fault(
            Diagnostic::error("E0801", format!("there is no `train` block for `{model}`"))
                .help("see `eyas explain E0801` for what it says"),
        ));
    };
    let (Some(examples), false) = (train.data.first(), train.metrics.is_empty()) else {
        let message = format!("the `train` block of `{model}` has no data or no metric");
        let diagnostic = Diagnostic::error("E0801", message).primary(train.span, "this block");
        return Err(terminal.fail(&eyas::Error::new(
            vec![diagnostic],
            source.sources().clone(),
        )));
    };
    let dataset = data::split(terminal, examples, &own.data, &own.split)?;
    let extents = item_extents(terminal, &loaded, &model)?;
    let measured = measure(
        terminal,
        own,
        &loaded,
        &mut session,
        train,
        &dataset,
        &extents,
    )?;
    report(terminal, own, &model, &dataset, &measured)
}

/// What a run over a split gave.
struct Measured {
    /// A name and a mean over the examples for each metric.
    metrics: Vec<(&'static str, f64)>,
    /// Time inside the model alone.
    time: Duration,
    batch: usize,
}

/// The extents of one example: those of the model's first input without the batch.
fn item_extents(terminal: &Terminal, loaded: &Loaded, model: &str) -> Result<Vec<usize>, Failed> {
    let models = loaded
        .source
        .iter()
        .flat_map(|source| &source.elaborated().models);
    let mut inputs = models
        .filter(|info| info.name == model)
        .map(|info| &info.inputs);
    let port: Option<&Port> = inputs.next().and_then(|inputs| match &inputs[..] {
        [only] => Some(only),
        _ => None,
    });
    let extents = port.and_then(|port| {
        let rest = port.ty.shape.get(1..)?.iter();
        rest.map(|extent| usize::try_from(extent.as_constant()?).ok())
            .collect()
    });
    extents.ok_or_else(|| {
        let message = format!("`{model}` does not take one tensor whose first axis is the batch");
        terminal.fault(Diagnostic::error("E0802", message))
    })
}

/// Why no more batches are run.
enum Stopped {
    Run(RuntimeError),
    Data(String),
}

impl From<RuntimeError> for Stopped {
    fn from(error: RuntimeError) -> Stopped {
        Stopped::Run(error)
    }
}

fn measure(
    terminal: &Terminal,
    own: &Eval,
    loaded: &Loaded,
    session: &mut Session,
    train: &TrainInfo,
    dataset: &Dataset,
    extents: &[usize],
) -> Result<Measured, Failed> {
    let declared = train.batch.and_then(|batch| u32::try_from(batch).ok());
    let batch = own.batch.or(declared).unwrap_or(BATCH).max(1) as usize;
    let mut sums = vec![0f64; train.metrics.len()];
    let bar = progress(terminal, dataset.len());
    // The labels of the batches that are under way: reading is ahead of the outputs.
    let waiting = RefCell::new(VecDeque::new());
    let elsewhere = Cell::new(Duration::ZERO);
    let outside = |start: Instant| elsewhere.set(elsewhere.get() + start.elapsed());
    let mut parts = dataset.batches(batch, extents);
    let batches = std::iter::from_fn(|| {
        let start = Instant::now();
        let part = parts.next().map(|part| match part {
            Ok(Batch { items, labels }) => {
                waiting.borrow_mut().push_back(labels);
                Ok(vec![items])
            }
            Err(error) => Err(Stopped::Data(error.to_string())),
        });
        outside(start);
        part
    });
    let begun = Instant::now();
    let ran = session.run_each(batches, |outputs| {
        let start = Instant::now();
        if let (Some(output), Some(labels)) = (outputs.at(0), waiting.borrow_mut().pop_front()) {
            for (sum, metric) in sums.iter_mut().zip(&train.metrics) {
                *sum += total(metric, output, &labels);
            }
            bar.inc(labels.element_count() as u64);
        }
        outside(start);
        Ok(())
    });
    let time = begun.elapsed().saturating_sub(elsewhere.get());
    bar.finish_and_clear();
    ran.map_err(|stopped| match stopped {
        Stopped::Run(error) => loaded.fail(terminal, &error),
        Stopped::Data(error) => terminal.fault(Diagnostic::error("E0802", error)),
    })?;
    let count = dataset.len().max(1) as f64;
    let names = train.metrics.iter().map(|metric| metric.kind.name());
    let means = sums.into_iter().map(|sum| sum / count);
    Ok(Measured {
        metrics: names.zip(means).collect(),
        time,
        batch,
    })
}

fn progress(terminal: &Terminal, length: usize) -> ProgressBar {
    if !terminal.shows_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} examples, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The sum of a metric over the examples of a batch; the classes are the output's last axis.
fn total(metric: &MetricInfo, output: &Tensor, labels: &Tensor) -> f64 {
    let classes = output.shape().last().copied().unwrap_or(1);
    let example = |(row, label): (usize, usize)| -> f64 {
        let at = |class: usize| output.get(row * classes + class).to_f64();
        match metric.kind {
            MetricKind::Accuracy => {
                let mut best = 0;
                for class in 1..classes {
                    if at(class) > at(best) {
                        best = class;
                    }
                }
                f64::from(u8::from(best == label))
            }
            MetricKind::NegativeLogLikelihood if label < classes => -at(label).ln(),
            MetricKind::CrossEntropy if label < classes => {
                let most = (0..classes).map(at).fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = (0..classes).map(|class| (at(class) - most).exp()).sum();
                most + sum.ln() - at(label)
            }
            _ => f64::NAN,
        }
    };
    let labels = labels.numbers().into_iter();
    let labels = labels.map(|label| usize::try_from(label.to_i128()).unwrap_or(usize::MAX));
    labels.enumerate().map(example).sum()
}

fn report(
    terminal: &Terminal,
    own: &Eval,
    model: &str,
    dataset: &Dataset,
    measured: &Measured,
) -> Outcome {
    let count = dataset.len();
    let rate = count as f64 / measured.time.as_secs_f64().max(1e-12);
    if own.format == TableFormat::Json {
        let metrics = measured
            .metrics
            .iter()
            .map(|(name, mean)| ((*name).to_owned(), (*mean).into()));
        let value = serde_json::json!({
            "model": model,
            "split": own.split,
            "examples": count,
            "batch": measured.batch,
            "metrics": serde_json::Map::from_iter(metrics),
            "seconds": measured.time.as_secs_f64(),
            "examples_per_second": rate,
        });
        return terminal.print(&format!("{value:#}\n"));
    }
    let mut rows = vec![
        vec!["model".to_owned(), model.to_owned()],
        vec![
            "split".to_owned(),
            format!("{} ({count} examples)", own.split),
        ],
    ];
    for (name, mean) in &measured.metrics {
        rows.push(vec![(*name).to_owned(), format!("{mean:.4}")]);
    }
    let time = output::duration(measured.time);
    let batch = measured.batch;
    rows.push(vec![
        "time".to_owned(),
        format!("{time} in batches of {batch}, {rate:.0} examples/s"),
    ]);
    terminal.print(&output::table(&rows))
}
