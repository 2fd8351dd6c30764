"""`make bench`: everything in one run, ours beside its peers. The last line is a JSON object of the figures."""

import argparse
import json
import os
import platform
import time
from pathlib import Path

from benchmarks.picture import draw
from benchmarks.sections import FULL, QUICK, SECTIONS
from benchmarks.servers import install_peers
from benchmarks.table import keep_copy, progress, say
from benchmarks.usage import machine


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=SECTIONS, help="this section; may be repeated")
    parser.add_argument(
        "--quick",
        action="store_true",
        default=os.environ.get("BENCH_QUICK", "") not in ("", "0"),
        help="under a minute, with little to say (also BENCH_QUICK=1)",
    )
    parser.add_argument("--report", type=Path, help="write what is printed to this file too")
    parser.add_argument("--picture", type=Path, help="draw the ratios into this PNG")
    options = parser.parse_args()
    began = time.monotonic()
    install_peers()
    say(f"Python {platform.python_version()}, {machine()}")
    say("Read the ratios and the CPU time a batch; rates are the machine's as much as ours.")
    figures: dict[str, float] = {}
    for name in options.only or SECTIONS:
        figures |= SECTIONS[name](QUICK if options.quick else FULL)
    progress(f"done in {time.monotonic() - began:.0f} s")
    if options.picture is not None:
        draw(figures, options.picture)
    say("")
    say(json.dumps({name: float(f"{value:.3g}") for name, value in figures.items()}))
    if options.report is not None:
        options.report.write_text(keep_copy())


if __name__ == "__main__":
    main()
