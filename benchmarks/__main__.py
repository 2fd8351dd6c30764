"""`make bench`: everything in one run, ours beside the alternatives."""

import argparse
import platform
import time

from benchmarks.sections import FULL, QUICK, SECTIONS
from benchmarks.table import progress
from benchmarks.usage import machine


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=SECTIONS, help="this section; may be repeated")
    parser.add_argument("--quick", action="store_true", help="under a minute, with little to say")
    options = parser.parse_args()
    began = time.monotonic()
    print(f"Python {platform.python_version()}, {machine()}")
    print("Read the ratios and the CPU time a batch; rates are the machine's as much as ours.")
    for name in options.only or SECTIONS:
        SECTIONS[name](QUICK if options.quick else FULL)
    progress(f"done in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
