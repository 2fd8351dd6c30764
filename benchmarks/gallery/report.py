"""From visits to a table, a JSON file, a picture and a section of docs/accuracy.md."""

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.gallery.build import versions
from benchmarks.gallery.items import TRUTHS
from benchmarks.gallery.run import Visit
from benchmarks.gallery.tools import PEERS, TOOLS
from benchmarks.table import percentile

RESULTS = Path(__file__).parent / "results.json"
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images"


def wrong(visit: Visit) -> str:
    """What is wrong with what a tool told of an item; "" if nothing is."""
    v, truth = visit.verdict, visit.item.truth
    if visit.failed:
        return ""
    if visit.tool == "none":
        return _untrue(visit)
    if truth == "dead":
        return "" if v.dead or v.rage or v.error else "missed"
    trouble = [name for name, count in (("dead", v.dead), ("rage", v.rage)) if count]
    if v.card is not None:
        trouble.append("card")
    if truth == "slow":
        return "told dead" if v.dead else ""
    return f"told {' and '.join(trouble)}" if trouble else ""


def _untrue(visit: Visit) -> str:
    """Doubts that the pixels raise: a dead control that changed the page, a working one that did not. An answer
    that cannot be seen is marked so in the item."""
    changed, item = visit.changed or 0.0, visit.item
    if item.truth in ("working", "slow") and changed < 0.03 and not item.why.startswith("unseen"):
        return "nothing changed"
    if item.truth == "dead" and changed > 0.3 and not item.why.startswith("seen"):
        return "something changed"
    return ""


def said(visit: Visit) -> str:
    """A visit's verdict in a few words."""
    if visit.failed:
        return f"FAILED {visit.failed}"
    if visit.tool == "none":
        return f"{visit.changed:.2f} per mille of the pixels differ"
    v = visit.verdict
    words = [
        f"{name} {count}" for name, count in (("dead", v.dead), ("rage", v.rage), ("error", v.error)) if count
    ]
    if v.answered is not None:
        words.append(f"answered {v.answered:.0f} ms")
    elif v.slow:
        words.append("slow")
    if v.card is not None:
        words.append(f"card {v.card:.0f} ms")
    return ", ".join(words) or "nothing"


class Share(msgspec.Struct):
    """`count` of `of`, with the 95 % Wilson interval of the share."""

    count: int
    of: int
    low: float
    high: float


def share(count: int, of: int) -> Share:
    """Wilson's score interval: right also near 0 and 1, where counts here lie (Wilson 1927)."""
    if of == 0:
        return Share(0, 0, 0.0, 1.0)
    z, p = 1.959964, count / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return Share(count, of, round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4))


class Row(msgspec.Struct):
    """One tool. `missed`: dead items of which it told neither dead, rage nor error. `false_working`: working items
    told dead or raged at; `false_benign`: benign ones told anything; `slow_dead`: slow ones told dead; `slow_told`:
    told slow. `cards`: false cards on working and benign items (ours). `card_ms`: median and p95 from the release
    of the last press, on dead items."""

    tool: str
    package: str
    version: str
    missed: Share
    false_working: Share
    false_benign: Share
    slow_dead: Share
    slow_told: Share | None
    failed: int
    dead_kinds: dict[str, int]
    cards: int | None = None
    card_of: int | None = None
    card_ms: tuple[float, float] | None = None
    unknown: int | None = None
    card_dead: int | None = None


def row(tool: str, visits: Sequence[Visit]) -> Row:
    mine = [visit for visit in visits if visit.tool == tool and not visit.failed]
    of = {
        truth: [v for v in mine if v.item.truth == truth] for truth in ("working", "dead", "slow", "benign")
    }
    slow = of["slow"]
    cards = [v.verdict.card for v in of["dead"] if v.verdict.card is not None]
    ours = tool == "sessionmood"
    package = TOOLS[tool].package
    return Row(
        tool,
        package,
        versions().get(package, ""),
        missed=share(sum(bool(wrong(v)) for v in of["dead"]), len(of["dead"])),
        false_working=share(
            sum(bool(v.verdict.dead or v.verdict.rage) for v in of["working"]), len(of["working"])
        ),
        false_benign=share(sum(bool(wrong(v)) for v in of["benign"]), len(of["benign"])),
        slow_dead=share(sum(bool(v.verdict.dead) for v in slow), len(slow)),
        slow_told=(
            share(sum(bool(v.verdict.slow and not v.verdict.dead) for v in slow), len(slow))
            if "slow" in TOOLS[tool].can
            else None
        ),
        failed=sum(bool(v.failed) for v in visits if v.tool == tool),
        dead_kinds={
            kind: sum(bool(getattr(v.verdict, kind)) for v in of["dead"])
            for kind in ("dead", "rage", "error")
        },
        cards=sum(v.verdict.card is not None for v in of["working"] + of["benign"]) if ours else None,
        card_of=len(of["working"] + of["benign"]) if ours else None,
        card_dead=len(cards) if ours else None,
        card_ms=(percentile(cards, 0.5), percentile(cards, 0.95)) if cards else None,
        unknown=(sum(bool(wrong(v)) and v.verdict.answered is None for v in of["dead"]) if ours else None),
    )


def rows(visits: Sequence[Visit]) -> list[Row]:
    present = {visit.tool for visit in visits}
    return [row(tool, visits) for tool in ("sessionmood", *PEERS) if tool in present]


def _cell(part: Share | None) -> str:
    if part is None:
        return "cannot"
    if part.of == 0:
        return "-"
    return f"{part.count} of {part.of} ({part.low:.0%} to {part.high:.0%})".replace("%)", " %)").replace(
        "% ", " % "
    )


HEAD = (
    "tool", "missed: dead, told nothing", "false: working told dead", "false: benign told anything",
    "slow told dead", "slow told slow",
)  # fmt: skip


def table(result: Sequence[Row]) -> str:
    """The table as Markdown, which reads well as text, too."""
    lines = [HEAD, tuple("---" for _ in HEAD)]
    for r in result:
        lines.append(
            (f"{r.tool} {r.version}".strip(), _cell(r.missed), _cell(r.false_working), _cell(r.false_benign),
             _cell(r.slow_dead), _cell(r.slow_told))
        )  # fmt: skip
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def notes(result: Sequence[Row]) -> str:
    said = []
    for r in result:
        if r.cards is not None:
            times = (
                f"; on {r.card_dead} of {r.missed.of} dead ones, from the last press to the card: "
                f"median {r.card_ms[0] / 1000:.2f} s, "
                f"p95 {r.card_ms[1] / 1000:.2f} s"
                if r.card_ms
                else ""
            )
            said.append(f"Help cards on {r.cards} of {r.card_of} working and benign items{times}.")
            if r.missed.count:
                said.append(
                    f"Of the dead ones that it missed, {r.unknown} were told nothing at all, the rest answered."
                )
    return " ".join(said)


class Result(msgspec.Struct):
    """A run, as it is kept in results.json. `wrong`: each item on which ours was wrong."""

    date: str
    machine: str
    items: dict[str, int]
    pages: int
    libraries: list[str]
    tools: list[Row]
    wrong: list[dict[str, str]]
    #: ours on every item, where the table has only those that each tool has tried
    whole: Row | None = None
    #: what a reader must know of this run
    note: str = ""


def result(visits: Sequence[Visit], date: str, machine: str) -> Result:
    tried: dict[str, set[str]] = {}
    for visit in visits:
        tried.setdefault(visit.item.name, set()).add(visit.tool)
    everybody = {visit.tool for visit in visits}
    every = visits
    visits = [visit for visit in every if tried[visit.item.name] == everybody]
    items = {visit.item.name: visit.item for visit in visits}
    truths = [item.truth for item in items.values()]
    return Result(
        date,
        machine,
        {truth: truths.count(truth) for truth in TRUTHS},
        len({item.page for item in items.values()}),
        sorted({item.library for item in items.values()}),
        rows(visits),
        [
            {"item": v.item.name, "truth": v.item.truth, "told": said(v), "why": v.item.why}
            for v in sorted(every, key=lambda v: (v.item.truth, v.item.name))
            if v.tool == "sessionmood" and wrong(v)
        ],
        row("sessionmood", every) if "sessionmood" in everybody and len(every) > len(visits) else None,
    )


def text(found: Result) -> str:
    """Everything of a run in words: what was tried by all, the table, what it means."""
    counts = ", ".join(f"{count} {truth}" for truth, count in found.items.items())
    failed = sum(row.failed for row in found.tools)
    return (
        f"{sum(found.items.values())} items ({counts}) on {found.pages} pages: {', '.join(found.libraries)}. "
        f"Measured {found.date} on {found.machine}.\n\n"
        + table(found.tools)
        + "\n"
        + notes(found.tools)
        + (
            "\n\nThe table has the items that every tool has tried. Ours on all that there are:\n\n"
            + table([found.whole])
            + "\n"
            + notes([found.whole])
            if found.whole
            else ""
        )
        + (f" {found.note}" if found.note else "")
        + (f" {failed} visits could not be acted and are left out." if failed else "")
        + "\n"
    )


def kept() -> dict[str, Result]:
    """The runs in the repository: `gallery`, and the pages seen for the first time, `fresh`, `latest` and `third`."""
    return msgspec.json.decode(RESULTS.read_bytes(), type=dict[str, Result]) if RESULTS.exists() else {}


def keep(name: str, found: Result) -> None:
    """Put a run into results.json, and the picture of it into docs/images."""
    runs = {**kept(), name: found}
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(runs), indent=1) + b"\n")
    picture(found, PICTURES / f"{name}.png")


def picture(found: Result, path: Path) -> None:
    """Missed and false of each tool with their intervals, the better the shorter."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    parts = (
        ("missed", "dead control:\ntold nothing"),
        ("false_working", "working control:\ntold dead or raged at"),
        ("false_benign", "ordinary behaviour:\ntold anything"),
        ("slow_dead", "slow control:\ntold dead"),
    )
    names = [row.tool for row in found.tools]
    figure, axes = pyplot.subplots(1, len(parts), figsize=(11, 0.42 * len(names) + 1.4), sharey=True)
    for axis, (part, title) in zip(axes, parts, strict=True):
        for y, row in enumerate(found.tools):
            cell: Share = getattr(row, part)
            if not cell.of:
                continue
            value = 100 * cell.count / cell.of
            colour = "#bf5630" if row.tool == "sessionmood" else "#8a9099"
            axis.barh(y, value, color=colour, height=0.62)
            axis.plot([100 * cell.low, 100 * cell.high], [y, y], color="#222", linewidth=1)
            axis.text(102, y, f"{value:.0f}", va="center", fontsize=9, color=colour)
        axis.set_title(title, fontsize=9.5, loc="left")
        axis.set_xlim(0, 100)
        axis.set_yticks(range(len(names)), names)
        axis.invert_yaxis() if axis is axes[0] else None
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=9)
    figure.supxlabel("per cent, lines: 95 % Wilson intervals; shorter is better", fontsize=9)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
