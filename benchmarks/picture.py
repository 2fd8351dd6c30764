"""The ratios as a picture: ours beside each peer, by CPU."""

from collections.abc import Mapping
from pathlib import Path

_BARS = (
    ("single_1_of_starlette_echo", "single events, 1 in flight, of Starlette's echo"),
    ("single_1_of_node_memory", "single events, 1 in flight, of node-memory"),
    ("single_16_of_starlette_echo", "single events, 16 in flight, of Starlette's echo"),
    ("single_16_of_node_memory", "single events, 16 in flight, of node-memory"),
    ("batch_50_of_node_memory", "batches of 50, of node-memory"),
    ("batch_50_of_node_durable", "batches of 50, of node-durable"),
    ("post_of_starlette_echo", "POST of one event, of Starlette's echo"),
    ("post_of_seed", "POST of one event, of seed"),
    ("batch_50_events_of_seed", "events in batches of 50, of seed"),
)


def draw(figures: Mapping[str, float], path: Path) -> None:
    """A bar for each ratio, on a scale of powers of ten: 1 is as much work a processor second as the peer's."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    bars = [(label, figures[name]) for name, label in reversed(_BARS) if name in figures]
    figure, axes = pyplot.subplots(figsize=(8, 0.42 * len(bars) + 1))
    axes.barh([label for label, _ in bars], [value for _, value in bars], color="#4f46e5")
    axes.set_xscale("log")
    axes.axvline(1, color="#888", linewidth=1)
    for row, (_, value) in enumerate(bars):
        on_white = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}  # the line at 1 must not cross it
        axes.annotate(
            f"{value:.2g}x",
            (value, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            bbox=on_white,
        )
    axes.set_xlabel("work a processor second, as a share of the peer's")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.15)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
