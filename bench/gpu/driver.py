"""Says which GPUs there are, or why there are none and fails."""

import ctypes
import sys


def main():
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return f"no NVIDIA driver: {error}"
    if code := cuda.cuInit(0):
        return f"no GPU: cuInit fails with error {code}"
    version, count, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(100)
    cuda.cuDriverGetVersion(ctypes.byref(version))
    cuda.cuDeviceGetCount(ctypes.byref(count))
    names = []
    for number in range(count.value):
        cuda.cuDeviceGetName(name, len(name), number)
        names.append(name.value.decode())
    print(f"{', '.join(names)}; driver for CUDA {version.value // 1000}.{version.value % 1000 // 10}")
    return None if names else "no GPU: the driver counts none"


if reason := main():
    print(reason)
    sys.exit(1)
