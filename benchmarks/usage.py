"""What a process has used, by the kernel's own accounting (Linux)."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time so far of these processes and all that they started, every thread, user and system."""
    nanoseconds = 0
    for pid in _with_children(pids):
        with contextlib.suppress(OSError):  # it ended meanwhile
            for task in Path(f"/proc/{pid}/task").iterdir():
                nanoseconds += int((task / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def _with_children(pids: Sequence[int]) -> list[int]:
    found = list(pids)
    for pid in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def memory_bytes(pid: int) -> int:
    """Resident memory now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def machine() -> str:
    """Processors, kernel and Python in a line."""
    model = "?"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    system = os.uname()
    busy = os.getloadavg()[0]
    return f"{os.cpu_count()} x {model}, {system.sysname} {system.release}, load {busy:.1f} at the start"
