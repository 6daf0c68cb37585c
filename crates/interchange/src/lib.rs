//! File formats: npy, safetensors, IDX, CSV.
