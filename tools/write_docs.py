"""Write the pages of docs/ that follow from the code: `python -m tools.write_docs`."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.config.settings import Settings
from app.mood import DEFAULT
from app.mood.model.numbers import SETTINGS, WEIGHTS
from app.transport.pages.docs import first_answer, folded
from benchmarks import press, scale
from benchmarks.gallery import report

DOCS = Path(__file__).resolve().parent.parent / "docs"
README = DOCS.parent / "README.md"
_ANSWER = "<!-- Made by `python -m tools.write_docs`: what the call above answers. -->\n```json\n"
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
    return (
        f"# The numbers behind the moods\n\n{_MADE}\n"
        "A mood's raw score is the sum of points x strength over its signals; strengths are from 0 to 1. "
        "A model file (`SESSIONMOOD_MODEL`, `sessionmood replay --model`) is a JSON object that overrides any of "
        "them: `weight.SIGNAL.MOOD` for points, the name for everything else.\n\n"
        "## Points\n\n"
        + _table(("signal", "mood", "points", "why"), weights)
        + "\n## Thresholds, times and limits\n\n"
        + _table(("name", "value", "unit", "allowed", "why"), settings)
        + "\n## Chance, confidence and the mood that is pushed\n\n"
        "The chance of a mood, how many of a hundred such visitors would say that they feel so, follows from its points: "
        "`most / (1 + exp((even - points) / spread))`. A mood is entered at `enter.MOOD` and left below `leave.MOOD`; of "
        "several that claim a visitor the one furthest above its entry wins, and one that stands gives way only to one "
        "that is further above by `lead`. Engaged claims nothing: it is what is left. `confidence` is the chance of the "
        "mood that is pushed; `scores` are shares among six moods and sum to 1.\n"
    )


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
    titles = {
        "third": "Pages seen for the first time",
        "latest": "Pages seen for the first time, the second set",
        "fresh": "Pages seen for the first time, the first set",
    }
    for name, title in titles.items():
        if name in runs:
            parts += [f"### {title}\n", report.text(runs[name])]
    return before + begin + "\n".join(parts) + end + after


def scaling_page() -> str:
    """docs/scaling.md as it stands, with its tables between their marks."""
    page = (DOCS / "scaling.md").read_text()
    for mark, made in (("sizes", scale.sizes_table()), ("losses", scale.losses_table())):
        before, begin, rest = page.partition(f"<!-- {mark} -->\n")
        _, end, after = rest.partition(f"<!-- end of {mark} -->\n")
        page = before + begin + made + end + after
    return page


def browser_page() -> str:
    """docs/browser.md as it stands, with what a press costs between its marks."""
    before, begin, rest = (DOCS / "browser.md").read_text().partition("<!-- press -->\n")
    _, end, after = rest.partition("<!-- end of press -->\n")
    found = press.kept()
    table = _table(press.HEADS, [tuple(map(str, row)) for row in press.rows(found)])
    note = f"\n{found.count} presses each way, {found.date}, on {found.machine} (`python -m benchmarks.press`).\n"
    return before + begin + table + note + end + after


PAGES = {
    "scaling.md": scaling_page,
    "settings.md": settings_page,
    "numbers.md": numbers_page,
    "accuracy.md": accuracy_page,
    "browser.md": browser_page,
}


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
