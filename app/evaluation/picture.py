"""The evaluation as a picture: what was stated against what was true, and the scores by label."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.evaluation.labels import READ
from app.evaluation.measure import Measured
from app.evaluation.report import Report

#: Sessions in a bin that are worth a point of the curve.
_ENOUGH: Final = 5


def draw(report: Report, rows: Sequence[tuple[str, Measured]], path: Path) -> None:
    """Write an SVG or PNG, by the ending of `path`. Needs matplotlib (the extra `evaluate`): ImportError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6), layout="constrained")
    reliability, scores = figure.subplots(1, 2, width_ratios=(2, 3))
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
    figure.legend(
        *reliability.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small"
    )

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
