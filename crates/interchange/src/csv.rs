use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use ::csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Trim};
use eyas_tensor::{DType, Tensor, TensorError};

use crate::InterchangeError;
use crate::source;

/// Bytes of text that are read; what decompresses to more is refused.
const TEXT_LIMIT: u64 = 1 << 30;

/// Named columns of numbers, equally long.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The columns in the file's order.
    pub columns: Vec<Column>,
}

/// A column of a [`Table`].
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What the header calls it.
    pub name: String,
    /// The values along one axis: i64 where all are integers, else f32.
    pub values: Tensor,
}

impl Table {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Tensor> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.map(|column| &column.values)
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.columns
            .first()
            .map_or(0, |column| column.values.element_count())
    }
}

/// Reads a CSV file with a header, compressed by gzip or not. Every field is a number.
///
/// # Errors
/// [`InterchangeError`], with the line.
pub fn read_csv(path: &Path) -> Result<Table, InterchangeError> {
    let source = source::open_decompressed(path)?;
    read(source.into_reader(), path)
}

/// Reads the text of a CSV file; the path is for messages.
///
/// # Errors
/// As [`read_csv`].
pub fn parse_csv(bytes: &[u8], path: &Path) -> Result<Table, InterchangeError> {
    read(bytes, path)
}

fn read(reader: impl Read, path: &Path) -> Result<Table, InterchangeError> {
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .from_reader(reader.take(TEXT_LIMIT + 1));
    let fault = |error| csv_error(error, path);
    let line = |line: u64, what: String| InterchangeError::Line {
        path: path.to_owned(),
        line,
        what,
    };
    let names = reader.headers().map_err(fault)?.clone();
    let mut known = BTreeSet::new();
    if let Some(name) = names.iter().find(|name| !known.insert(*name)) {
        return Err(line(1, format!("two columns are called `{name}`")));
    }
    let mut columns = vec![Values::Integers(Vec::new()); names.len()];
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(fault)? {
        for ((column, field), name) in columns.iter_mut().zip(&record).zip(&names) {
            column.push(field).map_err(|what| {
                let number = record.position().map_or(0, ::csv::Position::line);
                line(number, format!("column `{name}`: {what}"))
            })?;
        }
    }
    within_limit(&reader, path)?;
    let columns = names.iter().zip(columns).map(|(name, values)| {
        let values = values.into_tensor();
        let values = values.map_err(|source| InterchangeError::Tensor {
            path: path.to_owned(),
            source,
        })?;
        let name = name.to_owned();
        Ok(Column { name, values })
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    Ok(Table { columns })
}

fn within_limit<R: Read>(reader: &Reader<R>, path: &Path) -> Result<(), InterchangeError> {
    match reader.position().byte() > TEXT_LIMIT {
        true => Err(InterchangeError::Unsupported {
            path: path.to_owned(),
            what: format!("has more than {TEXT_LIMIT} bytes of text"),
        }),
        false => Ok(()),
    }
}

fn csv_error(error: ::csv::Error, path: &Path) -> InterchangeError {
    let path = path.to_owned();
    let position = error.position().cloned();
    let line = position.map_or(1, |position| position.line());
    let what = match error.into_kind() {
        ErrorKind::Io(source) => return InterchangeError::Read { path, source },
        ErrorKind::Utf8 { err, .. } => format!("it is not UTF-8: {err}"),
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("there are {len} fields, but the header has {expected_len}"),
        kind => format!("{kind:?}"),
    };
    InterchangeError::Line { path, line, what }
}

/// A column while it grows: of integers until one is not.
#[derive(Clone)]
enum Values {
    Integers(Vec<i64>),
    Floats(Vec<f32>),
}

impl Values {
    /// Takes up a field; an error is a sentence.
    fn push(&mut self, field: &str) -> Result<(), String> {
        if let Values::Integers(integers) = self {
            if let Ok(integer) = field.parse() {
                integers.push(integer);
                return Ok(());
            }
            *self = Values::Floats(integers.iter().map(|integer| *integer as f32).collect());
        }
        let Values::Floats(floats) = self else {
            return Ok(());
        };
        match field.parse() {
            Ok(float) => floats.push(float),
            Err(_) => return Err(format!("`{field}` is not a number")),
        }
        Ok(())
    }

    fn into_tensor(self) -> Result<Tensor, TensorError> {
        match self {
            Values::Integers(integers) => {
                let bytes: Vec<u8> = integers.iter().flat_map(|x| x.to_le_bytes()).collect();
                Tensor::from_bytes(DType::I64, &[integers.len()], &bytes)
            }
            Values::Floats(floats) => Tensor::from_f32(&[floats.len()], &floats),
        }
    }
}
