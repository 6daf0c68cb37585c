//! File formats: npy and npz, safetensors, IDX, CSV; and data sets that give out batches.
//!
//! What is read is not trusted: sizes are compared with the file before room is made for them,
//! and a file that is cut short or changed is an [`InterchangeError`] that says where. Files are
//! written whole or not at all.
//!
//! ```
//! use eyas_interchange::{encode_npy, parse_npy};
//! use eyas_tensor::Tensor;
//! use std::path::Path;
//! let tensor = Tensor::from_f32(&[2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap();
//! let bytes = encode_npy(&tensor, Path::new("x.npy")).unwrap();
//! assert_eq!(parse_npy(&bytes, Path::new("x.npy")).unwrap(), tensor);
//! assert!(parse_npy(&bytes[..100], Path::new("x.npy")).is_err());
//! ```

mod atomic;
mod csv;
mod dataset;
mod error;
mod idx;
mod npy;
mod npy_header;
mod npz;
mod safetensors;
mod source;
mod zip_directory;

pub use atomic::write_atomically;
pub use csv::{Column, Table, parse_csv, read_csv};
pub use dataset::{Batch, Dataset};
pub use error::InterchangeError;
pub use idx::{parse_idx, read_idx};
pub use npy::{encode_npy, parse_npy, read_npy, write_npy};
pub use npz::read_npz;
pub use safetensors::{
    Weights, encode_safetensors, parse_safetensors, read_safetensors, write_safetensors,
};
