//! CPU code: Cranelift lowering of every kernel family, wide emitter, linker.
