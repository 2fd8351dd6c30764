"""`sessionmood evaluate`: how right the moods are on labelled recordings."""

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import columns, counted, fail, misused
from app.cli.options import Files, ModelFile, Processes, load_overrides

if TYPE_CHECKING:
    from app.lab.evaluation.calibration import Bin
    from app.lab.evaluation.measure import Measured
    from app.lab.evaluation.report import Ranking, Report


class Ablation(StrEnum):
    """What to leave out of the recordings."""

    response = "response"
    coordinates = "coordinates"
    targets = "targets"


def evaluate(
    files: Files,
    without: Annotated[
        list[Ablation] | None, typer.Option(help="Leave these facts out, as a poorer client would.")
    ] = None,
    ablations: Annotated[
        bool,
        typer.Option("--ablations", help="Also run without each kind of fact and set them side by side."),
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the reliability curve, the decision curves and the scores by label: .svg or .png.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    model: ModelFile = None,
    processes: Processes = None,
) -> None:
    """Compare moods with what people said of their sessions.

    FILE holds labelled recordings, one a line: {"id", "person", "labels": {"frustrated": 1}, "events",
    "reports"?}. Sessions that carry no labels, or "satisfied": 1, count as ordinary: alarms there are false.
    """
    import sys

    import msgspec

    from app.lab.evaluation.report import report
    from app.lab.parallel import model_with

    if picture is not None and picture.suffix not in (".svg", ".png"):
        misused(f"--picture {picture}: the file must end in .svg or .png")
    overrides = load_overrides(model)
    left_out = tuple(part.value for part in without or ())
    rows = measured(files, overrides, left_out, processes)
    used = model_with(overrides)
    full = report(rows, left_out, used)
    others = []
    if ablations:
        if "-" in files:
            misused("--ablations reads the recordings several times: give files, not standard input")
        for part in Ablation:
            if part.value not in left_out:
                names = (*left_out, part.value)
                others.append(report(measured(files, overrides, names, processes), names, used))
    if picture is not None:
        _draw(full, rows, picture)
    if as_json:
        content: object = {"report": full, "ablations": others} if ablations else full
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
        sys.stdout.buffer.flush()
        return
    _print(full)
    if others:
        _print_ablations(full, others)


def measured(
    files: Sequence[str], overrides: dict[str, object], without: tuple[str, ...], processes: int | None
) -> "list[tuple[str, Measured]]":
    """(name of the set, session) for every recording in `files`."""
    from app.cli.progress import following
    from app.lab.evaluation.measure import measure
    from app.lab.parallel import parallel_map
    from app.lab.recordings import read, set_name

    rows = []
    events = 0
    doing = "measuring" + (f" without {' and '.join(without)}" if without else "")
    with following(doing) as note:
        for line, session in parallel_map(
            read(files), partial(measure, without=without), overrides, processes
        ):
            rows.append((set_name(line.source), session))
            events += session.events
            note(len(rows), events)
    return rows


def _draw(full: "Report", rows: "Sequence[tuple[str, Measured]]", picture: Path) -> None:
    try:
        from app.lab.evaluation.picture import draw

        draw(full, rows, picture)
    except ImportError:
        fail("--picture needs matplotlib: pip install 'sessionmood[evaluate]'")
    except OSError as error:
        fail(f"{picture}: cannot be written: {error.strerror or error}")


def _print(full: "Report") -> None:
    print(f"{counted(full.sessions, 'session')}, {counted(full.events, 'event')}")
    if full.without:
        print(f"without {' and '.join(full.without)}")
    if full.delivered:
        print("\nDelivered: what an app that acts on the pushed mood would have been told")
        columns(
            ["set", "label", "sessions>", "caught>", "false>", "pushes>", "stated>", "true>", "error>"],
            [
                (d.set, d.label, str(d.sessions), _share(d.caught), _share(d.false), str(d.pushes), _share(d.stated),
                 _share(d.true), _two(d.error))
                for d in full.delivered
            ],
        )  # fmt: skip
        print("caught: told the mood, of those who said yes. false: of those who said no.")
        print("error: expected calibration error of the pushed confidence, from 20 pushes on.")
    if full.left_out:
        print("\nThresholds chosen without a set, tried on it")
        columns(
            ["set", "label", "mood", "chosen>", "caught>", "false>", "in-use>", "caught>", "false>"],
            [
                (x.set, x.label, x.mood, _two(x.chosen.threshold), _share(x.chosen.caught), _share(x.chosen.false),
                 _two(x.used.threshold), _share(x.used.caught), _share(x.used.false))
                for x in full.left_out
            ],
        )  # fmt: skip
        print(
            "chosen: catches most, less what is false, at the mood's price, on average over the other sets."
        )
    if full.ranking:
        print("\nRanking: chance that a session with the label scores above one without (AUC)")
        columns(
            ["set", "label", "sessions>", "people>", "yes>", "AUC>", "95%>", "within>", "peak>", "final>",
             "stopwatch>", "gain>"],
            [
                (r.set, r.label, str(r.sessions), str(r.people), str(r.positives), _two(r.auc),
                 "-" if r.low is None else f"{r.low:.2f}-{r.high:.2f}", _two(r.within), _two(r.peak),
                 _two(r.final), _two(r.stopwatch), "-" if r.gain is None else f"{r.gain:+.2f}")
                for r in full.ranking
            ],
        )  # fmt: skip
        print("95%: by person. within: one person's own sessions. stopwatch: session length alone.")
    if full.calibration:
        print("\nCalibration: expected error between what is stated and what people said")
        columns(
            ["set", "label", "sessions>", "time-in-mood>", "confidence>", "chance>", "score>", "refitted>"],
            [
                (c.set, c.label, str(c.sessions), f"{c.share:.0%}", _two(c.confidence), _two(c.chance), _two(c.score),
                 _two(c.refitted))
                for c in full.calibration
            ],
        )  # fmt: skip
        print("confidence: while read as the mood. chance: what it says of the mood at any time.")
        print("score: the mean score as it stands. refitted: that through a curve fitted on other people.")
        for c in full.calibration:
            _print_reliability(
                f"{c.set}, {c.label}: chance stated, share of sessions confirmed", c.chance_bins
            )
    if full.ordinary:
        print("\nOrdinary sessions: every alarm here is a false one")
        columns(
            ["set", "sessions>", "minutes>", "frustrated>", "help-offered>", "changes/min>", "median>"],
            [
                (o.set, str(o.sessions), f"{o.minutes:.0f}", f"{o.frustrated:.1%}", f"{o.offered:.1%}",
                 _two(o.changes_per_minute), _two(o.changes_per_minute_median))
                for o in full.ordinary
            ],
        )  # fmt: skip


def _print_reliability(title: str, bins: "Sequence[Bin]") -> None:
    print(f"\n{title}")
    columns(
        ["stated>", "confirmed>", "sessions>"],
        [(f"{row.stated:.2f}", f"{row.true:.2f}", f"{row.weight:.0f}") for row in bins],
    )


def _print_ablations(full: "Report", others: "Sequence[Report]") -> None:
    runs = [full, *others]
    names = ["all" if run is full else f"without-{run.without[-1]}" for run in runs]
    print("\nAblations: AUC")
    columns(
        ["set", "label", *(name + ">" for name in names)],
        [(r.set, r.label, *(_two(_find(run.ranking, r.set, r.label)) for run in runs)) for r in full.ranking],
    )
    print("\nAblations: share of ordinary sessions that were read as frustrated")
    columns(
        ["set", *(name + ">" for name in names)],
        [
            (
                o.set,
                *(f"{next((p.frustrated for p in run.ordinary if p.set == o.set), 0):.1%}" for run in runs),
            )
            for o in full.ordinary
        ],
    )


def _find(ranking: "Sequence[Ranking]", name: str, label: str) -> float | None:
    return next((r.auc for r in ranking if (r.set, r.label) == (name, label)), None)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _two(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
