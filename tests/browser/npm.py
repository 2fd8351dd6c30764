"""The front end's own tools: Node.js, npm and what the lock file in clients/ names. `make test` installs them."""

import os
import subprocess
from pathlib import Path

from tests.support.server import ROOT

CLIENTS = ROOT / "clients"


def run(folder: Path, *command: str) -> str:
    """What the command printed, run in `folder` with the pinned Node.js; AssertionError if it failed."""
    done = subprocess.run(
        [str(ROOT / "tools" / "with-node"), *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "npm_config_update_notifier": "false"},
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
