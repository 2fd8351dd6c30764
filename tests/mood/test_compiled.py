"""The compiled engine and the plain one are the same engine."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app import compiled

ROOT = Path(__file__).resolve().parents[2]
#: Plays every mood's visitor and prints all that the engine says of it, and its state.
PLAY = """
import app, sys
from app.mood import EVENT_TYPES, Event, MoodEngine
print(app.COMPILED, file=sys.stderr)
kinds = sorted(EVENT_TYPES)
for start in range(0, 40, 7):
    engine, at = MoodEngine(f"s{start}", 1_000_000), 1_000_000
    for step in range(400):
        at += (step * 7919 + start * 104729) % 3000
        kind = kinds[(step * step + start * step) % len(kinds)] if step % 3 else "click"
        event = Event(kind, at, f"#b{step % 4}", 10.0 * (step % 4), 20.0, float(step % 90), reports=start % 4)
        news = engine.receive(event)
        if step % 50 == 0:
            engine = MoodEngine.restore(engine.state())
        for item in [*news, engine.reading(at)]:
            print([(name, getattr(item, name)) for name in dir(item) if name[0] != "_" and name != "because"])
        print([(p.signal, p.points, p.count, p.text) for p in engine.reading(at).because])
"""


def play(*options: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, *options, "-c", PLAY], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout, done.stderr.strip()


@pytest.mark.slow
def test_compiled_says_what_plain_says_bit_for_bit() -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler here")
    subprocess.run([sys.executable, "tools/compile_app.py"], cwd=ROOT, check=True)
    plain, is_compiled = play("-X", "plain")
    assert is_compiled == "False"
    fast, is_compiled = play()
    assert is_compiled == "True"
    assert fast == plain
    assert len(plain) > 100_000


@pytest.mark.slow
def test_the_short_form_says_what_the_long_form_says_bit_for_bit() -> None:
    """What the hot lines leave out (fading of nothing, weights of zero) would change nothing."""

    def digest(*options: str) -> str:
        ran = subprocess.run([sys.executable, *options], cwd=ROOT, capture_output=True, text=True, check=True)
        return ran.stdout

    assert digest("-m", "tests.mood.long_form") == digest("-X", "plain", "-m", "tests.mood.long_form", "long")


def test_what_was_made_from_other_sources_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = tmp_path / "made-from"
    monkeypatch.setattr(compiled, "STAMP", stamp)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "_xoptions", {})
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    assert not compiled.use()
    stamp.write_text("of yesterday")
    assert not compiled.use()
    stamp.write_text(compiled.fingerprint())
    assert compiled.use()
    assert isinstance(sys.meta_path[0], compiled.Compiled)
