"""What a visitor did: one fact, on the server's clock."""

from typing import Final

# Each type the engine reads as a number: compiled code compares numbers at once.
CLICK: Final = 0
RESPONSE: Final = 1
SCROLL: Final = 2
HOVER: Final = 3
PAGE_VIEW: Final = 4
NAVIGATION: Final = 5
RAGE_CLICK: Final = 6
DEAD_CLICK: Final = 7
ERROR: Final = 8
INPUT: Final = 9
SUBMIT: Final = 10
FOCUS: Final = 11
BLUR: Final = 12
COPY: Final = 13
PASTE: Final = 14
IDLE: Final = 15
VISIBILITY: Final = 16
GOAL: Final = 17
FEEDBACK: Final = 18
CUSTOM: Final = 19
HELP: Final = 20
NO_CODE: Final = -1

CODES: Final[dict[str, int]] = {
    "click": CLICK, "response": RESPONSE, "scroll": SCROLL, "hover": HOVER, "page_view": PAGE_VIEW,
    "navigation": NAVIGATION, "rage_click": RAGE_CLICK, "dead_click": DEAD_CLICK, "error": ERROR, "input": INPUT,
    "submit": SUBMIT, "focus": FOCUS, "blur": BLUR, "copy": COPY, "paste": PASTE, "idle": IDLE,
    "visibility": VISIBILITY, "goal": GOAL, "feedback": FEEDBACK, "custom": CUSTOM, "help": HELP,
}  # fmt: skip

#: Every event type the engine reads. Any other type is kept in the log and counted as ignored.
EVENT_TYPES: Final = frozenset(CODES)

#: Facts that a client may promise to send whenever they happen (`reports`), as bits. Only a promise makes
#: absence mean something: without REPORTS_RESPONSE a click that nothing followed is not "unanswered".
REPORTS_RESPONSE: Final = 1
REPORTS_DEAD_CLICK: Final = 2
_REPORTS: Final = {"response": REPORTS_RESPONSE, "dead_click": REPORTS_DEAD_CLICK}


#: What is usual for an element: visitors who clicked it, clicks of theirs with a verdict, the share of those that was
#: answered (0-1), the answers' mean wait (ms), and clicks in a row.
Usual = tuple[float, float, float, float, float]


#: `kind` of a click, or of the `response` that settles it, whose answer the client cannot see (a canvas, a closed
#: shadow root, a frame of others): it is no sign of anything, neither of trouble nor of success.
UNKNOWN: Final = "unknown"

#: `kind` of a dead or rage click on a thing that shows that it has nothing more to give: it is switched off, a
#: stepper or carousel at its end, a link to where one is. Mild: never a cause for help by itself.
MILD: Final = frozenset({"disabled", "end", "current"})


def reports_mask(names: list[str]) -> int:
    """Bits for the `reports` of a client; names the engine has no use for are passed over."""
    mask = 0
    for name in names:
        mask |= _REPORTS.get(name, 0)
    return mask


class Event:
    """One fact about what the visitor did.

    `at`: ms since the epoch on the server's clock (a recording's own clock in a replay), never before the
    session's previous event. `value`, `kind`, `name`: as the table of event types says. `x`, `y`: CSS px.
    `dy`: px, signed. `target`: a selector; `url`: a path without query. `reports`: bits of `reports_mask`.
    `usual`: what other visitors met at this target, as of the session's first click on it; the server notes it.
    `code`: of `type`, as in CODES.
    """

    __slots__ = (
        "at",
        "code",
        "dy",
        "kind",
        "name",
        "reports",
        "target",
        "type",
        "url",
        "usual",
        "value",
        "x",
        "y",
    )

    def __init__(
        self,
        type: str,
        at: int,
        target: str | None = None,
        x: float | None = None,
        y: float | None = None,
        value: float | None = None,
        kind: str | None = None,
        name: str | None = None,
        dy: float | None = None,
        url: str | None = None,
        reports: int = 0,
        usual: Usual | None = None,
    ) -> None:
        self.type: str = type
        self.code: int = CODES.get(type, NO_CODE)
        self.at: int = at
        self.target: str | None = target
        self.x: float | None = x
        self.y: float | None = y
        self.value: float | None = value
        self.kind: str | None = kind
        self.name: str | None = name
        self.dy: float | None = dy
        self.url: str | None = url
        self.reports: int = reports
        self.usual: Usual | None = usual

    def __repr__(self) -> str:
        told = [f"{self.type!r}, {self.at}"]
        for name in ("target", "x", "y", "value", "kind", "name", "dy", "url"):
            value = getattr(self, name)
            if value is not None:
                told.append(f"{name}={value!r}")
        if self.reports:
            told.append(f"reports={self.reports}")
        if self.usual is not None:
            told.append(f"usual={self.usual}")
        return f"Event({', '.join(told)})"
