"""How much of the ground floor and the one path the tests walk: `make coverage`.

Only the rooms' own tests run, so that a room is held by the tests that lie beside it. All of it is plain Python (machine
code can't be watched), also in the servers and commands that tests start. It takes three minutes, so it is no part of
`make test`. Exit code 1 where a test fails or a room has fewer than `FLOOR` of its branches walked.
"""

import collections
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "build" / "coverage"
ROOMS: Final = ("mood", "protocol", "sessions", "ingest", "storage")
#: Percent of the branches of each room.
FLOOR: Final = 95.0
#: What is left out: the recorded sessions take a minute of plain Python, and judge numbers.
MARKS: Final = "not recordings"
#: Of the examples of property tests (`tests/support/examples.py`).
DEPTH: Final = "0.3"
#: Processes that share them.
PROCESSES: Final = 3


def coverage(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "coverage", *arguments], cwd=ROOT, check=False).returncode


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    coverage("erase")
    tests = sys.argv[1:] or [f"tests/{name}" for name in ROOMS]
    plain = [sys.executable, "-X", "plain"]
    # Not `-n`: it would start the processes without `plain`.
    shared = ["--tx", f"{PROCESSES}*popen//python={' '.join(plain)}"]
    shared += ["--dist", "loadfile", "--no-loadscope-reorder"]
    run = [*plain, "-m", "coverage", "run", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", MARKS]
    environment = {"TEST_DEPTH": DEPTH} | os.environ
    failed = subprocess.run([*run, *shared, *tests], cwd=ROOT, env=environment, check=False).returncode
    coverage("combine", "--quiet")
    coverage("json", "--quiet", "-o", str(FOLDER / "report.json"))
    coverage("html", "--quiet", "-d", str(FOLDER / "html"))
    return report() or failed


def report() -> int:
    """Print the figures of each room, and what is missing; 1 where one is below the floor."""
    files = json.loads((FOLDER / "report.json").read_text())["files"]
    walked: collections.Counter[str] = collections.Counter()
    there: collections.Counter[str] = collections.Counter()
    for name, file in sorted(files.items()):
        room, summary = name.split("/")[1], file["summary"]
        walked[room] += summary["covered_branches"]
        there[room] += summary["num_branches"]
        missing = [f"{start}->{end if end > 0 else 'exit'}" for start, end in file["missing_branches"]]
        if missing:
            print(f"{name}: {', '.join(missing)}")
    below = 0
    for room in ROOMS:
        percent = 100 * walked[room] / max(1, there[room])
        below |= percent < FLOOR
        print(
            f"{room:10} {percent:6.1f} % of {there[room]} branches{' (too few)' if percent < FLOOR else ''}"
        )
    return below


if __name__ == "__main__":
    sys.exit(main())
