"""What the measured visitors do: a made mix of events, as the browser script would batch them."""

import itertools
import json
import time
from collections.abc import Callable

# type and fields of a stretch of browsing; `at` is filled in when a batch is made
MIX: tuple[dict[str, object], ...] = (
    {"type": "hover", "target": "#list > li:nth-of-type(3) > a", "value": 420},
    {"type": "click", "target": "#list > li:nth-of-type(3) > a", "x": 120, "y": 340},
    {"type": "response", "target": "#list > li:nth-of-type(3) > a", "value": 180},
    {"type": "navigation", "kind": "push", "url": "/products/3"},
    {"type": "scroll", "value": 20, "dy": 400},
    {"type": "scroll", "value": 35, "dy": 300},
    {"type": "hover", "target": ".price", "value": 900},
    {"type": "scroll", "value": 60, "dy": 500},
    {"type": "click", "target": "#size > option", "x": 610, "y": 210},
    {"type": "response", "target": "#size > option", "value": 25},
    {"type": "focus", "target": "#amount"},
    {"type": "input", "target": "#amount"},
    {"type": "blur", "target": "#amount"},
    {"type": "click", "target": "#add-to-cart", "x": 700, "y": 420},
    {"type": "response", "target": "#add-to-cart", "value": 310},
    {"type": "scroll", "value": 10, "dy": -800},
    {"type": "click", "target": "nav > a.back", "x": 20, "y": 16},
    {"type": "response", "target": "nav > a.back", "value": 90},
    {"type": "navigation", "kind": "back", "url": "/products"},
    {"type": "scroll", "value": 45, "dy": 700},
)
#: ms between two events of a batch
_GAP = 12


def batches(count: int) -> Callable[[], bytes]:
    """A maker of the events of the next batch, as JSON without the brackets: `count` events, up to now."""
    starts = range(0, len(MIX), count) if count < len(MIX) else range(1)
    templates = itertools.cycle([_template([MIX[(s + i) % len(MIX)] for i in range(count)]) for s in starts])
    ages = tuple(_GAP * (count - 1 - i) for i in range(count))

    def make() -> bytes:
        now = time.time_ns() // 1_000_000
        return next(templates) % tuple([now - age for age in ages])

    return make


def _template(events: list[dict[str, object]]) -> bytes:
    texts = [json.dumps({**event, "at": 0}, separators=(",", ":")) for event in events]
    return ",".join(text.replace('"at":0', '"at":%d') for text in texts).encode()
