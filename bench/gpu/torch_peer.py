#!/usr/bin/env python3
"""The workloads in torch, timed with CUDA events. Reads requests and writes answers, a line of JSON each:

    {"prepare": WORKLOAD, "mode": "eager"}      ->  {"sum": ..., "absolute": ...}
    {"measure": RUNS}                           ->  {"milliseconds": [...]}

WORKLOAD is an element of workloads.json with the extents in "dims". The sums are of the output, alternating and
absolute, a element. Modes are "eager", "compile" and "compile with graphs". f32 is never tf32."""

import argparse
import json
import sys
import time

import torch
import torch.nn.functional as functional

import values

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--device", default="cuda", help="cuda, or cpu to try the script")
device = torch.device(arguments.parse_args().device)
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.set_float32_matmul_precision("highest")
torch.set_grad_enabled(False)


def parameter(name, *shape):
    return torch.from_numpy(values.parameter(name, shape)).to(device)


def copy(dims):
    return lambda x: x.clone()


def elementwise(dims):
    return lambda x, y: torch.tanh(x * 0.5) * y + x


def softmax(dims):
    return lambda x: torch.softmax(x, -1)


def norm(dims):
    width = dims["D"]
    g, b = parameter("norm.g", width), parameter("norm.b", width)
    return lambda x: functional.layer_norm(x, (width,), g, b, 1e-5)


def linear(path, inputs, outputs):
    w, b = parameter(path + ".w", inputs, outputs), parameter(path + ".b", outputs)
    return lambda x: torch.addmm(b, x.reshape(-1, inputs), w).reshape(*x.shape[:-1], outputs)


def product(dims):
    fc = linear("fc", dims["N"], dims["N"])
    return lambda x: torch.relu(fc(x))


def mnist(dims):
    fc1, fc2 = linear("fc1", 784, 128), linear("fc2", 128, 10)
    return lambda image: torch.softmax(fc2(torch.relu(fc1(image))), -1)


def encoder(dims, width=64, depth=12, heads=4, words=1000):
    table = parameter("table", words, width)
    place = torch.arange(dims["S"], dtype=torch.float32, device=device)[:, None]
    falling = torch.arange(width // 2, dtype=torch.float32, device=device)
    rate = torch.exp(falling * (-2 * torch.log(torch.tensor(10000.0)).item() / width))
    positions = torch.stack((torch.sin(place * rate), torch.cos(place * rate)), -1).reshape(dims["S"], width)

    def layer_norm(path):
        g, b = parameter(path + ".g", width), parameter(path + ".b", width)
        return lambda x: functional.layer_norm(x, (width,), g, b, 1e-5)

    def block(path):
        ln1, ln2 = layer_norm(path + ".ln1"), layer_norm(path + ".ln2")
        qkv, proj = linear(path + ".attn.qkv", width, 3 * width), linear(path + ".attn.proj", width, width)
        up, down = linear(path + ".up", width, 4 * width), linear(path + ".down", 4 * width, width)

        def run(x, mask):
            q, k, v = qkv(ln1(x)).chunk(3, -1)
            q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in (q, k, v))
            attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
            x = x + proj(attended.transpose(1, 2).flatten(2))
            return x + down(functional.gelu(up(ln2(x))))

        return run

    blocks = [block(f"block.{number}") for number in range(depth)]
    last = layer_norm("norm")

    def run(ids, mask):
        x = table[ids.long()] + positions
        for block in blocks:
            x = block(x, mask)
        return last(x)

    return run


MODELS = {
    "Copy": copy,
    "Elementwise": elementwise,
    "Softmax": softmax,
    "Norm": norm,
    "Product": product,
    "Mnist": mnist,
    "Encoder": encoder,
}
MODES = {
    "eager": lambda run: run,
    "compile": torch.compile,
    "compile with graphs": lambda run: torch.compile(run, mode="reduce-overhead"),
}


def prepare(workload, mode):
    dims = workload["dims"]
    inputs = [
        torch.from_numpy(values.tensor(name, dtype, [dims.get(extent, extent) for extent in shape])).to(device)
        for name, (dtype, shape) in workload["inputs"].items()
    ]
    torch._dynamo.reset()
    model = MODES[mode](MODELS[workload["model"]](dims))
    run = lambda: model(*inputs)
    for _ in range(4):
        output = run()
    flat = output.double().flatten()
    flat[1::2] *= -1
    return run, {"sum": flat.mean().item(), "absolute": flat.abs().mean().item()}


def measure(run, runs):
    if device.type != "cuda":
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1e3)
        return times
    events = [torch.cuda.Event(enable_timing=True) for _ in range(runs + 1)]
    for _ in range(3):
        run()
    events[0].record()
    for event in events[1:]:
        run()
        event.record()
    torch.cuda.synchronize()
    return [start.elapsed_time(end) for start, end in zip(events, events[1:])]


def main():
    name = torch.cuda.get_device_name() if device.type == "cuda" else "a processor"
    print(json.dumps({"peer": f"torch {torch.__version__}", "device": name}), flush=True)
    run = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "prepare" in request:
                run, answer = prepare(request["prepare"], request["mode"])
            else:
                answer = {"milliseconds": measure(run, request["measure"])}
        except Exception as error:  # said in the results instead of a time
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
