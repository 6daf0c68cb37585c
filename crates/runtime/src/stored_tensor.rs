use std::sync::{Arc, OnceLock};

use eyas_tensor::{DType, Dim, Tensor, TensorError, TensorType};
use memmap2::Mmap;

use crate::memory::Memory;

/// A tensor whose bytes nobody changes: in memory of its own, or mapped from a file.
#[derive(Debug)]
pub(crate) struct StoredTensor {
    dtype: DType,
    shape: Vec<usize>,
    bytes: Storage,
    /// Computed when it is first asked for.
    hash: OnceLock<blake3::Hash>,
}

/// Where bytes lie.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    holder: Holder,
    offset: usize,
    length: usize,
}

#[derive(Debug, Clone)]
enum Holder {
    Memory(Arc<Memory>),
    Mapped(Arc<Mmap>),
}

impl Storage {
    /// All of a piece of memory.
    pub(crate) fn memory(memory: Memory) -> Storage {
        let length = memory.len();
        Storage {
            holder: Holder::Memory(Arc::new(memory)),
            offset: 0,
            length,
        }
    }

    /// All of a mapped file.
    pub(crate) fn mapped(map: Arc<Mmap>) -> Storage {
        let length = map.len();
        Storage {
            holder: Holder::Mapped(map),
            offset: 0,
            length,
        }
    }

    /// A part; `None` where there is not so much.
    pub(crate) fn part(&self, offset: usize, length: usize) -> Option<Storage> {
        let end = offset.checked_add(length)?;
        (end <= self.length).then(|| Storage {
            holder: self.holder.clone(),
            offset: self.offset + offset,
            length,
        })
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        let all: &[u8] = match &self.holder {
            Holder::Memory(memory) => memory.bytes(),
            Holder::Mapped(map) => map,
        };
        &all[self.offset..self.offset + self.length]
    }

    /// Whether the bytes lie in a file.
    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self.holder, Holder::Mapped(_))
    }
}

impl StoredTensor {
    /// A tensor over bytes that fill the shape; `None` where they do not.
    pub(crate) fn new(dtype: DType, shape: Vec<usize>, bytes: Storage) -> Option<StoredTensor> {
        let count = shape
            .iter()
            .try_fold(1usize, |n, &extent| n.checked_mul(extent))?;
        let fits = dtype.bytes_for(count)? == bytes.length;
        fits.then(|| StoredTensor {
            dtype,
            shape,
            bytes,
            hash: OnceLock::new(),
        })
    }

    /// A copy of a tensor; `None` where memory cannot be had.
    pub(crate) fn copy_of(tensor: &Tensor) -> Option<StoredTensor> {
        let bytes = Storage::memory(Memory::copy_of(tensor.bytes())?);
        StoredTensor::new(tensor.dtype(), tensor.shape().to_vec(), bytes)
    }

    /// The same tensor in memory of its own.
    pub(crate) fn in_memory(&self) -> Option<StoredTensor> {
        Some(StoredTensor {
            dtype: self.dtype,
            shape: self.shape.clone(),
            bytes: Storage::memory(Memory::copy_of(self.bytes())?),
            hash: self.hash.clone(),
        })
    }

    /// The element type.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// The extents.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type, its extents constants.
    pub(crate) fn ty(&self) -> TensorType {
        let extents = self.shape.iter();
        let extents = extents.map(|&extent| Dim::from(i64::try_from(extent).unwrap_or(i64::MAX)));
        TensorType::new(self.dtype, extents.collect::<Vec<_>>())
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.bytes()
    }

    /// Whether the bytes lie in a file.
    pub(crate) fn is_mapped(&self) -> bool {
        self.bytes.is_mapped()
    }

    /// The BLAKE3 hash of the bytes.
    pub(crate) fn hash(&self) -> blake3::Hash {
        *self.hash.get_or_init(|| blake3::hash(self.bytes()))
    }

    /// Takes a hash for the bytes' own that was written down before.
    pub(crate) fn state_hash(&self, hash: blake3::Hash) {
        // A hash that is there already is the bytes' own.
        let _ = self.hash.set(hash);
    }

    /// A copy that the caller owns.
    pub(crate) fn to_tensor(&self) -> Result<Tensor, TensorError> {
        Tensor::from_bytes(self.dtype, &self.shape, self.bytes())
    }
}
