"""What every command shares: help, version, exit codes, and docs that name only what there is."""

import re
import subprocess
import sys

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from app import __version__
from app.cli.commands import app
from app.cli.console import counted
from app.cli.simulate import _print_change
from app.lab.simulate.personas import PERSONAS
from app.lab.simulate.visitor import Visitor
from tests.cli.running import ROOT, sessionmood

PROSE = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
_INLINE = re.compile(r"`sessionmood ([a-z]+)((?: [^`]*)?)`")
_BLOCK = re.compile(r"(<!-- run(?:: \w+)? -->\n)?```(?:sh|bash|shell|console)\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """The help of every command, at 80 columns, by its name: "keys create"."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    names = [""]
    for name, command in group.commands.items():
        names.append(name)
        if isinstance(command, TyperGroup):
            names += [f"{name} {below}" for below in command.commands]
    found = {}
    for name in names:
        ran = CliRunner().invoke(
            app, [*name.split(), "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}
        )
        assert ran.exit_code == 0, ran.output
        found[name] = ran.output
    return found


def test_help_speaks_of_values_not_of_types(helps: dict[str, str]) -> None:
    for name, text in helps.items():
        assert not re.search(r"<[^>|]*>|list\[|\bINTEGER\b|\bFLOAT\b", text), f"{name}: {text}"
        assert max(map(len, text.splitlines())) <= 80, name


def test_the_list_has_whole_sentences(helps: dict[str, str]) -> None:
    listed = helps[""].partition("Commands:")[2].strip().splitlines()
    assert len(listed) >= 13
    for line in listed:
        assert line.endswith("."), line
        assert not line.endswith("..."), line


def test_the_version() -> None:
    ran = sessionmood("--version")
    assert (ran.code, ran.out.split()[:2]) == (0, ["sessionmood", __version__])


def test_counts_are_in_the_right_number() -> None:
    assert (counted(1, "session"), counted(0, "event"), counted(2000, "key")) == (
        "1 session",
        "0 events",
        "2,000 keys",
    )


def test_docs_name_commands_and_options_that_there_are(helps: dict[str, str]) -> None:
    for page in PROSE:
        if page.name == "CHANGELOG.md":
            continue
        for command, rest in _INLINE.findall(page.read_text()):
            assert command in helps, f"{page.name}: sessionmood {command}"
            known = "".join(text for name, text in helps.items() if name.split(" ")[0] == command)
            for option in re.findall(r"--[a-z][a-z-]*", rest):
                assert option in known, f"{page.name}: sessionmood {command} {option}"


def test_every_command_of_a_page_is_run_by_a_test() -> None:
    """tests/test_docs.py runs the blocks that are marked; make, pip and npm are run elsewhere. Containers can't be run
    where tests are: tests/deploy carries out the steps of the image and of compose.yaml."""
    for page in PROSE:
        for marked, commands in _BLOCK.findall(page.read_text()):
            if not marked and not re.search(r"^docker ", commands, re.MULTILINE):
                rest = [
                    line for line in commands.splitlines() if not re.match(r"(make|git|cd|npm|pip|#)|$", line)
                ]
                assert not rest, f"{page.name}: {rest}"


def test_simulate_looks_where_the_port_says(helps: dict[str, str]) -> None:
    ran = sessionmood("simulate", "--key", "sk_x", "--minutes", "0.01", PORT="1")
    assert (ran.code, "http://127.0.0.1:1" in ran.err) == (1, True), ran.err


def test_simulate_fits_into_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    visitor = Visitor.__new__(Visitor)
    visitor.persona, visitor.moods = PERSONAS[0], ["engaged", "frustrated"]
    visitor.reading = {
        "mood": "frustrated",
        "confidence": 0.9,
        "suggested_action": "offer_help",
        "because": [{"signal": "rage_click", "points": 1, "text": "4 clicks on " + "#a" * 60}],
    }
    _print_change(visitor)
    (line,) = capsys.readouterr().out.splitlines()
    assert len(line) <= 80
    assert "engaged > frustrated 0.90" in line


#: Starts as a container does, up to where the server would run.
START = """
import sys
import app.server.run as run
from app.cli import main

run.serve = lambda settings, warnings: print(*sys.modules) or 0
sys.argv = ["sessionmood", "serve"]
main()
"""


def test_a_start_loads_no_parser_of_options_and_no_driver_that_it_has_no_use_for() -> None:
    """They cost more than all the rest of a start, and every restart of a container would pay it."""
    ran = subprocess.run([sys.executable, "-c", START], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "uvicorn" in loaded
    assert loaded & {"typer", "pydantic", "asyncpg", "redis", "sqlalchemy", "alembic", "httpx2"} == set()
