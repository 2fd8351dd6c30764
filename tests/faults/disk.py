"""A disk that fails on demand, under a real server: see disk.c."""

import shutil
import subprocess
from pathlib import Path

import pytest

_SOURCE = Path(__file__).with_name("disk.c")


def build(folder: Path) -> Path:
    """The compiled library. Skips the test where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    library = folder / "disk.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl", "-pthread"]
    subprocess.run(command, check=True, capture_output=True)
    return library


class Disk:
    """The disk of one server. `settings` go into its environment."""

    def __init__(self, folder: Path) -> None:
        self._fault = folder / "fault"
        self.journal = folder / "journal"
        self.settings = {
            "LD_PRELOAD": build(folder),
            "DISK_FILES": "/sessionmood.db",
            "DISK_FAULT": self._fault,
        }

    def fail(self, how: str) -> None:
        """From now on: "full", "readonly", "broken" or "slow MS"."""
        fresh = self._fault.with_suffix(".new")
        fresh.write_text(how)
        fresh.rename(self._fault)

    def heal(self) -> None:
        self._fault.unlink()
