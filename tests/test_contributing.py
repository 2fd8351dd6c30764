"""What CONTRIBUTING.md says of the code is so: its examples are carried out in a copy, its names are looked up."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app import __version__
from tests.support.server import ROOT

GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
_PATH = re.compile(r"`((?:app|tests|static|clients|requirements|tools)/[\w./-]*|[\w-]+\.(?:toml|md))`")
_DIFF = re.compile(r"```diff\n(.*?)```", re.DOTALL)
_EXAMPLE = re.compile(r"<!-- example: (\w+) (\S+) -->\n```python\n(.*?)```", re.DOTALL)
_SAID_OF_A_FILE = re.compile(r"`(\w+)`\s+in\s+`(app/[\w./]+)`")


def section(title: str) -> str:
    """The text under a heading."""
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[1]


def hunks(diff: str) -> Iterator[tuple[str, str, str]]:
    """(file, lines before, lines after) of each piece of a unified diff, whose numbers are left out."""
    for part in re.split(r"^--- a/.*\n\+\+\+ b/", diff, flags=re.MULTILINE)[1:]:
        name, _, rest = part.partition("\n")
        for hunk in re.split(r"^@@.*\n", rest, flags=re.MULTILINE)[1:]:
            lines = hunk.splitlines()
            yield (
                name,
                "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+"),
                "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-"),
            )


def carried_out(folder: Path, text: str) -> list[str]:
    """Do in `folder` what the diffs of `text` say; the files that changed."""
    files = []
    for diff in _DIFF.findall(text):
        for name, before, after in hunks(diff):
            path = folder / name
            code = path.read_text()
            assert code.count(before) == 1, f"CONTRIBUTING.md changes what is not in {name}:\n{before}"
            path.write_text(code.replace(before, after))
            files.append(name)
    return files


@pytest.mark.parametrize("title", ["Add a signal", "Add a frame"])
def test_an_example_works(title: str, tmp_path: Path) -> None:
    text = section(title)
    copy = tmp_path / "copy"
    passed_over = shutil.ignore_patterns(
        ".*", "build", "data", "node_modules", "__pycache__", "docs", "benchmarks"
    )
    shutil.copytree(ROOT, copy, ignore=passed_over)
    files = carried_out(copy, text)
    assert files
    if "_VERSION" in text:
        engine = copy / "app" / "mood" / "engine.py"
        engine.write_text(
            re.sub(
                r"(?m)^_VERSION: Final = (\d+)$",
                lambda m: f"_VERSION: Final = {int(m[1]) + 1}",
                engine.read_text(),
            )
        )
    (example,) = _EXAMPLE.findall(text)
    _, test, code = example
    (copy / test).write_text(code)
    for tool in (
        ["ruff", "check", "-q"],
        ["ruff", "format", "--check", "-q"],
        ["pytest", "-q", "-p", "no:cacheprovider"],
    ):
        where = [test] if tool[0] == "pytest" else [test, *set(files)]
        ran = subprocess.run(
            [sys.executable, "-m", *tool, *where], cwd=copy, capture_output=True, timeout=150, check=False
        )
        assert ran.returncode == 0, ran.stdout.decode() + ran.stderr.decode()


def test_files_and_names_are_there() -> None:
    made = {name for _, name, _ in _EXAMPLE.findall(GUIDE)}
    named = set(_PATH.findall(GUIDE)) - made
    assert len(named) >= 15
    for name in named:
        assert (ROOT / name).exists(), f"CONTRIBUTING.md speaks of {name}"
    said = _SAID_OF_A_FILE.findall(GUIDE)
    assert len(said) >= 2
    for word, name in said:
        assert word in (ROOT / name).read_text(), f"CONTRIBUTING.md looks for {word} in {name}"


def test_each_make_and_npm_command_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = set(re.findall(r"(?:^    |`)make ([a-z-]+)", GUIDE, re.MULTILINE))
    assert asked >= {"test", "check", "docs"}
    assert asked <= targets
    scripts = msgspec.json.decode((ROOT / "clients" / "package.json").read_bytes())["scripts"]
    assert set(re.findall(r"npm run (\w+)", GUIDE)) <= set(scripts)


def test_there_is_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    package = msgspec.json.decode((ROOT / "clients" / "package.json").read_bytes())
    assert project["version"] == package["version"] == __version__
