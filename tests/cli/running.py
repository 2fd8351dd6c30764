"""Commands as a user runs them: processes of their own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.support.server import WATCHED

ROOT = Path(__file__).resolve().parent.parent.parent
#: With the options that the tests run with.
PYTHON = [sys.executable, *(f"-X{option}" for option in sys._xoptions)]
RECORDINGS = ROOT / "tests" / "recordings"


class Ran(NamedTuple):
    """What a command answered. `lines`: of its standard output."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def sessionmood(*args: object, stdin: bytes = b"", **environment: str) -> Ran:
    """Run `sessionmood ARGS`. Whatever goes wrong for a user, it is told in words."""
    ran = subprocess.run(
        [*PYTHON, "-m", "app", *map(str, args)],
        input=stdin,
        capture_output=True,
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "COLUMNS": "200",
            **WATCHED,
            **environment,
        },
        timeout=120,
        check=False,
    )
    err = ran.stderr.decode()
    assert "Traceback" not in err, err
    return Ran(ran.returncode, ran.stdout.decode(), err)
