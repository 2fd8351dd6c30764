"""What guards a commit: the hooks, and what they say of a commit's message."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.server import ROOT

CONFIG = ROOT / ".pre-commit-config.yaml"


def hooks() -> list[dict[str, Any]]:
    return [hook for source in yaml.safe_load(CONFIG.read_text())["repos"] for hook in source["hooks"]]


def test_the_hooks_are_ones_that_pre_commit_takes_and_that_can_run() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", str(CONFIG)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr
    for hook in hooks():
        for program in hook["entry"].split():
            if "/" in program:
                # in a worktree without its own .venv the tests run from another one
                there = (ROOT / program).exists() or shutil.which(
                    Path(program).name, path=sys.prefix + "/bin"
                )
                assert there, program


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Tell each session its mood\n", ""),
        ("Tell each session its mood\n\nSo that it can help.\n", ""),
        ("Merge branch 'main' into a branch whose name is so long that it is more than 72 characters\n", ""),
        ("é" * 72 + "\n", ""),
        ("x" * 73 + "\n", "73 characters"),
        ("Tell each session its mood.\n", "full stop"),
        ("\nlater\n", "no subject"),
        ("Tell each session\nits mood\n", "second line"),
    ],
)
def test_a_subject_is_one_short_line(tmp_path: Path, message: str, said: str) -> None:
    file = tmp_path / "message"
    file.write_text(message)
    ran = subprocess.run(
        [ROOT / "tools" / "commit-subject", file], capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert (ran.returncode != 0) == bool(said), ran.stdout
    assert said in ran.stdout
