"""`python tests/faults/clocked.py FILE -m app serve`: a server on a machine whose clock may be set. FILE holds by how
many seconds; the clocks that only go on are the real ones."""

import runpy
import sys
import time
from pathlib import Path


def main() -> None:
    path = Path(sys.argv[1])
    real_ns = time.time_ns

    def time_ns() -> int:
        return real_ns() + int(float(path.read_text()) * 1e9)

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9
    assert sys.argv[2] == "-m"
    module, sys.argv = sys.argv[3], sys.argv[3:]
    sys.path[0] = str(Path(__file__).resolve().parent.parent.parent)  # not this folder, which has an http.py
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
