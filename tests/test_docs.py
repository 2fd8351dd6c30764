"""Docs that cannot rot: what they say to run is run, what they list follows from the code.

A fenced `sh` block after `<!-- run -->` (or `<!-- run: name -->`) is run against a real server, in a folder with
the recordings it speaks of.
"""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from app.config.settings import Settings
from app.transport.pages.docs import EXAMPLE, folded
from tests.cli.running import RECORDINGS, ROOT, sessionmood
from tests.support.labelled import site
from tests.support.server import ServerProcess, fresh
from tools.write_docs import PAGES, README, readme

PROSE = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
_RUN = re.compile(r"<!-- run(?:: (\w+))? -->\n```sh\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def blocks(page: Path) -> list[str]:
    """The commands that a page tells its reader to run."""
    return [found[2] for found in _RUN.finditer(page.read_text())]


def furnished(folder: Path) -> Path:
    """A folder with `visits.jsonl` (all moods), `labelled.jsonl` (twelve people), and `sessionmood` on the path."""
    folder.mkdir()
    (folder / "visits.jsonl").write_bytes(
        b"".join(path.read_bytes() for path in sorted(RECORDINGS.glob("*.jsonl")))
    )
    (folder / "labelled.jsonl").write_bytes(
        b"\n".join(msgspec.json.encode(recording) for _, recording in site(people=12, sessions=4))
    )
    # a refusal must fail the test, and progress must not clutter its output
    (folder / ".curlrc").write_text("fail\nsilent\nshow-error\n")
    binaries = folder / "bin"
    binaries.mkdir()
    command = binaries / "sessionmood"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m app "$@"\n')
    command.chmod(0o755)
    (folder / ".venv").symlink_to(folder)  # as where `make run` was run
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PROSE if blocks(page)], ids=lambda page: page.name)
def test_what_a_page_says_to_run_runs(page: Path, tmp_path: Path, server: ServerProcess) -> None:
    """One after the other, each in a folder of its own: later commands ask the server for what earlier ones told."""
    for number, commands in enumerate(blocks(page)):
        place = furnished(tmp_path / str(number))
        environment = {
            "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
            "HOME": str(place),
            "URL": server.base,
            "KEY": server.sk,
            "DATABASE_URL": f"sqlite:///{server.database}",
            "COLUMNS": "200",
        }
        ran = subprocess.run(
            ["sh", "-eu"],
            input=commands.encode(),
            cwd=place,
            env=environment,
            capture_output=True,
            timeout=150,
            check=False,
        )
        assert ran.returncode == 0, (ran.stdout + ran.stderr).decode()
        assert b"Traceback" not in ran.stderr


@pytest.mark.parametrize("name", PAGES)
def test_pages_that_follow_from_the_code_are_current(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == PAGES[name](), "run `python -m tools.write_docs`"


def test_readme_shows_what_its_first_call_answers(server: ServerProcess) -> None:
    """As the code gives it, and as a real server answers it: but for the times, character for character."""
    assert README.read_text() == readme(), "run `python -m tools.write_docs`"
    call = re.search(r"-d '(\[.*?\])'", README.read_text(), re.DOTALL)
    assert call is not None
    assert [event["type"] for event in msgspec.json.decode(call[1])] == list(EXAMPLE)
    answer = server.post(fresh(), call[1].encode()).json()
    times = r'("since"|"as_of"|"epoch"): ([0-9]+|"[^"]+")'
    shown = README.read_text()
    assert re.sub(times, r"\1: 0", folded(answer)) in re.sub(times, r"\1: 0", shown)


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_commands_page_names_every_command() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    shown = sessionmood("--help").out
    commands = re.findall(r"^  ([a-z]+)  ", shown.partition("Commands:")[2], re.MULTILINE)
    assert len(commands) >= 13
    for command in commands:
        assert command in page, f"docs/commands.md does not speak of {command}"


def test_serve_lists_the_variable_of_every_setting() -> None:
    shown = " ".join(sessionmood("serve", "--help", COLUMNS="80").out.split())
    for field in dataclasses.fields(Settings):
        assert f"env var: {field.metadata['env']}," in shown
