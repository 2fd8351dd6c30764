"""What is installed: a wheel that serves from an empty folder, with nothing of the checkout around."""

import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.support.server import ROOT, FirstStart

CLICK = {"type": "click"}


class Installed(FirstStart):
    """A server from the installed package, run in a folder that holds nothing else."""

    site: Path

    def start(self) -> None:
        self.python = ["env", f"PYTHONPATH={self.site}", sys.executable]
        self.root = self.folder
        super().start()


def install(folder: Path) -> Path:
    """Build the wheel from a clean copy, unpack it; where its packages are."""
    source, wheels, site = folder / "source", folder / "wheels", folder / "site"
    ignored = shutil.ignore_patterns(
        ".*", "build", "data", "node_modules", "__pycache__", "tests", "docs", "benchmarks"
    )
    shutil.copytree(ROOT, source, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "wheel", *offline, "--wheel-dir", wheels, source], check=True, timeout=170)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", *offline, "--target", site, wheel], check=True, timeout=170)
    return site


@pytest.mark.slow
def test_a_wheel_serves_from_an_empty_folder(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    server = Installed(empty)
    server.site = install(tmp_path)
    try:
        server.start()
        where = subprocess.run(
            [*server.python, "-c", "import app; print(app.__file__)"],
            cwd=empty,
            capture_output=True,
            check=True,
        )
        assert str(server.site) in where.stdout.decode()
        for path in (
            "/demo",
            "/docs",
            "/privacy",
            "/sessionmood.js",
            "/sessionmood-extras.js",
            "/openapi.json",
        ):
            assert httpx2.get(server.base + path).status_code == 200, path
        assert server.post("s", CLICK).json()["accepted"] == 1
        assert server.stop() == 0
    finally:
        server.close()
    needed = next(server.site.glob("sessionmood-*.dist-info")).joinpath("METADATA").read_text()
    assert "License-Expression: MIT" in needed
    assert "SessionMood tells an app how its user feels" in needed  # README.md, for the registry's page
    for name in ("starlette", "uvicorn", "msgspec", "alembic"):
        assert f"Requires-Dist: {name}" in needed
    ran = subprocess.run(
        [*server.python, "-m", "app", "--version"],
        cwd=empty,
        capture_output=True,
        check=True,
    )
    assert ran.stdout.startswith(b"sessionmood ")
