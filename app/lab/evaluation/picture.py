"""The evaluation as a picture: what was stated against what was true, what each threshold would catch, the
scores by label."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.lab.evaluation.labels import READ
from app.lab.evaluation.measure import Measured
from app.lab.evaluation.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Sessions in a bin that are worth a point of the curve.
_ENOUGH: Final = 5


def draw(report: Report, rows: Sequence[tuple[str, Measured]], path: Path) -> None:
    """Write an SVG or PNG, by the ending of `path`. Needs matplotlib (the extra `evaluate`): ImportError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(17, 8), layout="constrained")
    reliability, decisions, scores = figure.subplots(1, 3, width_ratios=(2, 2, 3))
    reliability.plot([0, 1], [0, 1], color="0.7", linestyle=":", label="as stated")
    for row in report.calibration:
        bins = [b for b in row.chance_bins if b.weight >= _ENOUGH]
        if bins:
            name = f"{row.set}: {row.label} ({row.chance:.2f})"
            reliability.plot(
                [b.stated for b in bins], [b.true for b in bins], marker="o", markersize=4, label=name
            )
    reliability.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="chance stated",
        ylabel="share of people who confirmed it",
        title="Confidence (error)",
    )
    _legend_below(reliability)
    _draw_decisions(decisions, report)

    names, groups, colours = [], [], []
    for row in (row for row in report.calibration if row.set in {name for name, _ in rows}):
        mood = READ[row.label][0][0]
        for answer, colour in ((0, "#8fb3d9"), (1, "#e0803f")):
            groups.append(
                [
                    s.replayed.mean[mood]
                    for name, s in rows
                    if name == row.set and s.labels.get(row.label) == answer
                ]
            )
            names.append(f"{row.set}: {row.label} - {'yes' if answer else 'no'}")
            colours.append(colour)
    if groups:
        boxes = scores.boxplot(
            groups, orientation="horizontal", tick_labels=names, patch_artist=True, sym="."
        )
        for box, colour in zip(boxes["boxes"], colours, strict=True):
            box.set_facecolor(colour)
    scores.set(xlim=(0, 1), xlabel="mean score of the mood", title="Score by answer")
    scores.invert_yaxis()
    figure.savefig(path)


def _draw_decisions(axes: "Axes", report: Report) -> None:
    """For each mood and set a curve over all thresholds, and a dot where the pushes were."""
    axes.plot([0, 1], [0, 1], color="0.7", linestyle=":", label="told by lot")
    for row in report.delivered:
        if row.curve and row.pushes >= _ENOUGH and row.caught is not None and row.false is not None:
            false = [0.0, *(point.false for point in row.curve)]
            caught = [0.0, *(point.caught for point in row.curve)]
            (line,) = axes.step(false, caught, where="post", linewidth=1)
            name = f"{row.set}: {row.label} ({row.caught:.0%} / {row.false:.0%})"
            axes.plot(row.false, row.caught, "o", color=line.get_color(), label=name)
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="told falsely, of those who said no",
        ylabel="caught, of those who said yes",
        title="Decisions (dot: as pushed)",
    )
    _legend_below(axes)


def _legend_below(axes: "Axes") -> None:
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=1, fontsize="small")
