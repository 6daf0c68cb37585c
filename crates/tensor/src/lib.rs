//! What the compiler and the runtime both speak: data types, symbolic dims,
//! facts about them, tensor values and counter-based random numbers.
//!
//! ```
//! use eyas_tensor::{Dim, Facts};
//! let batch = Dim::symbol("B");
//! let twice = batch.mul(&Dim::from(2)).unwrap();
//! assert_eq!(twice.to_string(), "2*B");
//! assert_eq!(twice.floor_div(&Dim::from(2)).unwrap(), batch);
//! assert!(Facts::default().proves_equal(&twice, &batch.add(&batch).unwrap()));
//! ```

mod binding;
mod dim;
mod dim_text;
mod dtype;
mod facts;
mod random;
mod tensor;
mod types;

pub use binding::{BindError, Extent, SymbolSource, bind};
pub use dim::{Atom, Dim, DimError, Monomial};
pub use dim_text::DimParseError;
pub use dtype::{DType, Number};
pub use facts::{Fact, Facts, Relation};
pub use random::{philox, stream_id, uniform_f32};
pub use tensor::{Tensor, TensorError};
pub use types::{TensorType, TypeParseError};
