#!/usr/bin/env python3
"""Times the workloads here and in torch, in turns, and writes the medians: a file of JSON and a table.

Each peer is a process that answers lines of JSON, as torch_peer.py says."""

import argparse
import json
import pathlib
import platform
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Peer:
    def __init__(self, command):
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            return {"error": f"the process ended with {self.process.wait()}"}
        return json.loads(line)

    def ask(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def bound(workload, small):
    dims = workload["small" if small else "dims"]
    return {**workload, "dims": dims}


def rate(workload, milliseconds):
    """Bytes or operations a second, in words."""
    for key, unit, scale in (("bytes", "GB/s", 1e9), ("flops", "TFLOP/s", 1e12)):
        if key in workload:
            amount = eval(workload[key], {}, workload["dims"])
            return f"{amount / milliseconds * 1e3 / scale:,.{0 if key == 'bytes' else 2}f} {unit}"
    return ""


def agree(answers):
    """Which contenders do not compute what the first one does."""
    sound = [(name, answer) for name, answer in answers.items() if "error" not in answer]
    if not sound:
        return []
    _, first = sound[0]
    close = lambda other: abs(first["sum"] - other["sum"]) <= 1e-4 * first["absolute"] + 1e-9
    return [name for name, answer in sound if not close(answer)]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--eyas", required=True, help="the program of this side")
    arguments.add_argument("--torch", help="a Python with torch; none: this side alone")
    arguments.add_argument("--torch-device", default="cuda")
    arguments.add_argument("--small", action="store_true", help="tiny extents, to try the scripts")
    arguments.add_argument("--only", help="workloads whose names begin so")
    arguments.add_argument("--checks", type=pathlib.Path, help="lines about what was checked before, for the results")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--runs", type=int, default=40)
    arguments.add_argument("--results", type=pathlib.Path, default=HERE / "results")
    options = arguments.parse_args()

    here = Peer([options.eyas])
    if "error" in here.about:
        sys.exit(f"{options.eyas}: {here.about['error']}")
    contenders = {"eyas": (here, None)}
    if options.torch:
        there = Peer([options.torch, str(HERE / "torch_peer.py"), "--device", options.torch_device])
        if "error" in there.about:
            sys.exit(f"{options.torch}: {there.about['error']}")
        # A process a mode: what is prepared stays while the others are measured.
        for mode in ("eager", "compile", "compile with graphs"):
            peer = there if mode == "eager" else Peer(there.process.args)
            contenders[f"torch, {mode}"] = (peer, mode)

    workloads = [bound(workload, options.small) for workload in json.loads((HERE / "workloads.json").read_text())]
    if options.only:
        workloads = [workload for workload in workloads if workload["name"].startswith(options.only)]
    results = []
    for workload in workloads:
        answers = {name: peer.ask({"prepare": workload, "mode": mode}) for name, (peer, mode) in contenders.items()}
        times = {name: [] for name in contenders}
        errors = {name: answer["error"] for name, answer in answers.items() if "error" in answer}
        for _ in range(options.rounds):
            for name, (peer, _) in contenders.items():
                if name in errors:
                    continue
                answer = peer.ask({"measure": options.runs})
                if "error" in answer:
                    errors[name] = answer["error"]
                else:
                    times[name] += answer["milliseconds"]
        medians = {name: statistics.median(found) for name, found in times.items() if found and name not in errors}
        least = {name: min(found) for name, found in times.items() if found and name not in errors}
        for name in agree(answers):
            errors.setdefault(name, "gives another result than the first")
        results.append({"workload": workload["name"], "dims": workload["dims"], "median_ms": medians,
                        "least_ms": least, "answers": answers, "errors": errors})
        said = ", ".join(f"{name} {found:.4f} ms" for name, found in medians.items())
        print(f"{workload['name']}: {said}" + "".join(f"\n  {name}: {error}" for name, error in errors.items()), flush=True)
    for peer, _ in contenders.values():
        peer.end()

    about = {name: peer.about for name, (peer, _) in contenders.items()}
    checks = options.checks.read_text().splitlines() if options.checks else []
    record = {"checks": checks, "machine": platform.processor() or platform.machine(), "peers": about, "small": options.small,
              "rounds": options.rounds, "runs": options.runs, "results": results}
    options.results.mkdir(parents=True, exist_ok=True)
    device = here.about["device"].replace("/", "-").replace(" ", "-").lower()
    stem = device + ("-small" if options.small else "")
    data, text = options.results / f"{stem}.json", options.results / f"{stem}.md"
    data.write_text(json.dumps(record, indent=1) + "\n")
    text.write_text(table(workloads, record, list(contenders)))
    print(f"written: {data}, {text}")
    wrong = [f"{found['workload']}: {name}: {error}" for found in results for name, error in found["errors"].items()]
    sys.exit("\n".join(wrong) if wrong else 0)


def table(workloads, record, names):
    peers = "; ".join(sorted({about["peer"] for about in record["peers"].values()}))
    device = record["peers"]["eyas"]["device"]
    lines = [
        f"# Times on {device}",
        "",
        f"{peers}. Milliseconds between CUDA events, medians of {record['rounds']} rounds in turns, {record['runs']} runs each;"
        " f32 without tf32. The last column is torch's best time by ours: above 1 is faster here.",
        "",
        *[f"- {check}" for check in record["checks"]],
        *([""] if record["checks"] else []),
        "| workload | " + " | ".join(names) + " | rate here | torch's best / eyas |",
        "| --- |" + " ---: |" * (len(names) + 2),
    ]
    for workload, found in zip(workloads, record["results"]):
        medians = found["median_ms"]
        cells = [f"{medians[name]:.4f}" if name in medians else "error" for name in names]
        own = medians.get("eyas")
        others = [time for name, time in medians.items() if name != "eyas"]
        ratio = f"{min(others) / own:.2f}" if own and others else ""
        cells += [rate(workload, own) if own else "", ratio]
        lines.append(f"| {workload['name']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


main()
