"""Write the pages of docs/ that follow from the code: `python -m tools.write_docs`."""

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app import protocol
from app.config import Settings
from app.mood import DEFAULT
from app.mood.numbers import CONFIDENCE, SETTINGS, WEIGHTS
from app.sessions import Session
from benchmarks.gallery import report

DOCS = Path(__file__).resolve().parent.parent / "docs"
README = DOCS.parent / "README.md"
_ANSWER = "<!-- Made by `python -m tools.write_docs`: what the call above answers. -->\n```json\n"
_AT = 1_764_000_000_000  # ms, of the example
_MADE = "<!-- Made by `python -m tools.write_docs`; change the code, not this page. -->\n"


def settings_page() -> str:
    """Every setting of the service."""
    rows = [
        (
            f"`{field.metadata['env']}`",
            f"`--{field.name.replace('_', '-')}`",
            _default(field),
            field.metadata["help"],
        )
        for field in dataclasses.fields(Settings)
    ]
    return (
        f"# Settings\n\n{_MADE}\n"
        "Each is an environment variable and an option of `sessionmood serve`; the option wins. "
        "Durations are seconds unless it says otherwise.\n\n"
        + _table(("variable", "option", "default", "meaning"), rows)
    )


def numbers_page() -> str:
    """Every number of the mood engine."""
    weights = [
        (f"`{w.signal}`", f"`{w.mood}`", f"{DEFAULT.weights[f'{w.signal}.{w.mood}']:+g}", w.reason)
        for w in WEIGHTS
    ]
    settings = [
        (f"`{s.name}`", f"{s.value:g}", s.unit, f"{s.low:g} to {s.high:g}", s.reason) for s in SETTINGS
    ]
    confidence = [(f"`{mood}`", *(f"{point:g}" for point in curve)) for mood, curve in CONFIDENCE.items()]
    return (
        f"# The numbers behind the moods\n\n{_MADE}\n"
        "A mood's raw score is the sum of points x strength over its signals; strengths are from 0 to 1. "
        "A model file (`SESSIONMOOD_MODEL`, `sessionmood replay --model`) is a JSON object that overrides any of "
        "them: `weight.SIGNAL.MOOD` for points, the name for everything else.\n\n"
        "## Points\n\n"
        + _table(("signal", "mood", "points", "why"), weights)
        + "\n## Thresholds, times and limits\n\n"
        + _table(("name", "value", "unit", "allowed", "why"), settings)
        + "\n## Confidence\n\n"
        "What a mood's score is worth in confidence, straight between these points: a score is a share among six "
        "moods, confidence the share of such readings that people confirmed.\n\n"
        + _table(("mood", "score 0", "score 0.5", "score 1"), confidence)
    )


def first_answer() -> dict[str, Any]:
    """What README's first call answers: its events in one batch, in a session of their own."""
    body = re.search(r"-d '(\[.*?\])'", README.read_text(), re.DOTALL)
    assert body is not None, "README has no first call"
    batch = protocol.decode_body(body[1].encode(), protocol.Limits(500, 262_144, 32))
    session = Session("default", "user_123", _AT, DEFAULT, publishable=False)
    events = [protocol.to_event(wire, 0) for wire in batch.events]
    outcome = session.receive(events, None, None, 0, None, _AT)
    reading = session.reading(_AT)
    assert reading is not None
    mood = protocol.reading_dict(reading, session.offer)
    return {
        "accepted": outcome.accepted,
        "duplicates": outcome.duplicates,
        "ignored": outcome.ignored,
        "ack": outcome.ack,
        "mood": mood,
    }


def cut(value: Any) -> Any:
    """`value` with every fraction cut to four places."""
    if isinstance(value, dict):
        return {name: cut(each) for name, each in value.items()}
    if isinstance(value, list):
        return [cut(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value


def folded(answer: dict[str, Any]) -> str:
    """JSON in lines that can be read: one for each field of the reading, and one for each of its reasons."""
    mood = cut(answer["mood"])
    plain = {name: value for name, value in answer.items() if name != "mood"}
    lines = [json.dumps(plain)[:-1] + ', "mood": {']
    for name, value in mood.items():
        text = json.dumps(value)
        if name == "because":
            text = "[\n" + ",\n".join(f"   {json.dumps(reason)}" for reason in value) + "]"
        lines.append(f"  {json.dumps(name)}: {text},")
    return "\n".join(lines)[:-1] + "}}\n"


def readme() -> str:
    """README with the answer that its first call gives."""
    before, made, rest = README.read_text().partition(_ANSWER)
    after = rest.partition("```")[2]
    return before + made + folded(first_answer()) + "```" + after


def accuracy_page() -> str:
    """docs/accuracy.md as it stands, with the gallery's results between its marks."""
    before, begin, rest = (DOCS / "accuracy.md").read_text().partition("<!-- gallery -->\n")
    _, end, after = rest.partition("<!-- end of gallery -->\n")
    runs = report.kept()
    parts = [report.text(runs["gallery"]), "![Missed and false, tool by tool](images/gallery.png)\n"]
    if "fresh" in runs:
        parts += ["### Pages seen for the first time\n", report.text(runs["fresh"])]
    return before + begin + "\n".join(parts) + end + after


PAGES = {"settings.md": settings_page, "numbers.md": numbers_page, "accuracy.md": accuracy_page}


def _default(field: "dataclasses.Field[Any]") -> str:
    return "none" if field.default == "" else f"`{field.default}`"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    DOCS.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())
    README.write_text(readme())
