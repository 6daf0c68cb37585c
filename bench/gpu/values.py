"""Values that every peer makes for itself and that are the same for all of them: an element is a hash of the
tensor's name and its place."""

import numpy


def hashes(name, count):
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 & 0xFFFFFFFF
    x = numpy.uint32(seed) + numpy.arange(count, dtype=numpy.uint32) * numpy.uint32(0x9E3779B9)
    x ^= x >> numpy.uint32(16)
    x *= numpy.uint32(0x85EBCA6B)
    x ^= x >> numpy.uint32(13)
    x *= numpy.uint32(0xC2B2AE35)
    x ^= x >> numpy.uint32(16)
    return x


def tensor(name, dtype, shape):
    """f32: from -0.5 to 0.5; i32: from 0 to 999; bool: true of three in four, and in the first column."""
    x = hashes(name, int(numpy.prod(shape)))
    if dtype == "f32":
        values = (x >> numpy.uint32(8)).astype(numpy.float32) / numpy.float32(1 << 24) - numpy.float32(0.5)
    elif dtype == "i32":
        values = (x % numpy.uint32(1000)).astype(numpy.int32)
    elif dtype == "bool":
        values = x % numpy.uint32(4) != 0
    else:
        raise ValueError(f"no values of {dtype}")
    values = values.reshape(shape)
    if dtype == "bool":
        values[..., 0] = True
    return values


def parameter(name, shape):
    """A weight: small, and near 1 where it scales a norm."""
    values = tensor(name, "f32", shape) * numpy.float32(0.1)
    return values + numpy.float32(1) if name.endswith(".g") else values
