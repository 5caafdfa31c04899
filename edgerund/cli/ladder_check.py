"""``edgerund ladder check``: every mistake with file and line, then every variant in its real backend."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from edgerund.cli.ladder_probe import Probed, probe
from edgerund.config.ladder import LadderReading, read_ladder
from edgerund.errors import ConfigError, LadderError, Problem, UsageError


def run(args: argparse.Namespace) -> int:
    """Exit code 0: all is well; 10: the files are wrong; 11: a variant cannot be used."""
    if args.threads < 1 or args.timeout <= 0:
        raise UsageError("cannot check with that: --threads and --timeout must be above 0")
    reading = read_ladder(args.path, hashes=True)
    if not args.json:
        _print_findings(reading)
    probed: list[Probed] = []
    for variant in reading.plan.variants if reading.plan else ():
        assert reading.plan is not None
        probed.append(probe(reading.plan, variant, args.threads, args.timeout))
        if not args.json:
            print(_line(probed[-1], has_golden=reading.plan.golden is not None), flush=True)
    if args.json:
        print(json.dumps(_as_json(reading, probed), indent=2))
    if reading.problems:
        return ConfigError.exit_code
    return LadderError.exit_code if any(p.reason for p in probed) else 0


def _print_findings(reading: LadderReading) -> None:
    for problem in reading.problems:
        print(problem)
    for warning in reading.warnings:
        print(f"{_place(warning)}: warning: {warning.message}")
    if reading.problems:
        count = len(reading.problems)
        print(f"{reading.file}: {count} mistake{'s' if count > 1 else ''}; no variant was run")


def _place(problem: Problem) -> str:
    return str(problem).removesuffix(problem.message).removesuffix(": ")


def _line(probed: Probed, has_golden: bool) -> str:
    if probed.reason:
        return f"{probed.name}: NOT USABLE: {probed.reason}"
    parts = [f"load {probed.figures['load_ms']:.0f} ms"]
    if "infer_ms" in probed.figures:
        parts.append(f"inference {probed.figures['infer_ms']:.2f} ms")
    parts.append(f"memory {probed.figures['memory_bytes'] / 1e6:.1f} MB")
    if not probed.asked:
        parts.append("not run: its shape is free, so write a golden file with input.0")
    elif probed.golden:
        parts.append("golden answer")
    else:
        parts.append(
            "not in the golden file: run edgerund ladder golden"
            if has_golden
            else "no golden file: finite outputs of the declared shape"
        )
    return f"{probed.name}: ok ({probed.runtime}; {'; '.join(parts)})"


def _as_json(reading: LadderReading, probed: list[Probed]) -> dict[str, object]:
    return {
        "file": str(reading.file),
        "ok": not reading.problems and not any(p.reason for p in probed),
        "problems": [asdict(p) for p in reading.problems],
        "warnings": [asdict(p) for p in reading.warnings],
        "variants": [asdict(p) for p in probed],
    }
