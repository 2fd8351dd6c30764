"""What is usual for each element of a project's pages, learned from its visitors: how often it answers, after how
long, and how often in a row it is clicked.

Nothing here waits, reads a clock or does I/O. What the engine is told of an element is noted in the log with the
session's first click on it (`Event.usual`), so a replay needs nothing of what is learned here.
"""

from collections import OrderedDict
from typing import Any, Final

from app.mood import Event, Usual, kept, rate_of
from app.mood.events import CLICK, DEAD_CLICK, RESPONSE

#: Half of what was learned is forgotten in so many seconds: two weeks, about the time between releases.
HALF_LIFE: Final = 14 * 86_400.0
_RATE: Final = rate_of(HALF_LIFE)
#: Elements remembered of one project, and of all projects together. The longest unused go first.
MAX_OF_PROJECT: Final = 2_000
MAX_OF_ALL: Final = 50_000
#: Fewer visitors than this say nothing of an element.
FEW_VISITORS: Final = 3.0
#: One visitor teaches at most so many clicks, and as many verdicts, of one element: nobody can teach alone.
MOST_OF_VISIT: Final = 8
#: Elements of one visit that teach something.
MAX_OF_VISIT: Final = 64
#: A click this soon (ms) after the last one on the same element is another step of the same run.
RUN_MS: Final = 2_000


class Element:
    """What was counted of one element, each count faded to `at` (ms). `visitors` clicked it, `clicks` times in
    `runs` rows; `answered` and `dead` of the clicks got that verdict; `waited`: the answers' waits, in ms, added up.
    """

    __slots__ = ("answered", "at", "clicks", "dead", "runs", "visitors", "waited")

    def __init__(self, at: int) -> None:
        self.at: int = at
        self.visitors: float = 0.0
        self.clicks: float = 0.0
        self.runs: float = 0.0
        self.answered: float = 0.0
        self.dead: float = 0.0
        self.waited: float = 0.0

    def fade(self, now: int) -> None:
        """Forget what time takes."""
        if now > self.at:
            left = kept(_RATE, self.at, now)
            self.visitors *= left
            self.clicks *= left
            self.runs *= left
            self.answered *= left
            self.dead *= left
            self.waited *= left
            self.at = now

    def usual(self) -> Usual | None:
        """What to tell the engine; None while too few visitors clicked it. Rounded: the log keeps it."""
        visitors = round(self.visitors, 1)
        if visitors < FEW_VISITORS:
            return None
        verdicts = self.answered + self.dead
        share = self.answered / verdicts if verdicts > 0.0 else 0.0
        wait = self.waited / self.answered if self.answered > 0.0 else 0.0
        in_a_row = self.clicks / self.runs if self.runs > 0.0 else 1.0
        return (
            visitors,
            round(verdicts, 1),
            round(share, 3),
            float(round(wait)),
            round(in_a_row, 1),
        )


class Visit:
    """Which elements one visit has clicked, how often that taught something, and the run it is in."""

    __slots__ = ("counts", "last_at", "last_target")

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = {}  # target -> [clicks, verdicts] that taught
        self.last_target: str | None = None
        self.last_at: int = 0

    def recall(self, event: Event) -> None:
        """Note a click that was folded before a restart: what it teaches was learned then."""
        if event.code == CLICK and event.target is not None and len(self.counts) < MAX_OF_VISIT:
            self.counts[event.target] = [MOST_OF_VISIT, MOST_OF_VISIT]

    def state(self) -> list[object]:
        """As JSON-like values, for a snapshot."""
        return [[[target, *taught] for target, taught in self.counts.items()], self.last_target, self.last_at]

    def restore(self, state: Any) -> None:
        """Raises ValueError or TypeError when `state` is none of ours."""
        counts, last_target, last_at = state
        self.counts = {target: [clicks, verdicts] for target, clicks, verdicts in counts}
        self.last_target = last_target
        self.last_at = last_at


class Elements:
    """The elements of all projects, of each project the longest unused first."""

    def __init__(self) -> None:
        self._projects: OrderedDict[str, OrderedDict[str, Element]] = OrderedDict()
        self._count: int = 0
        self._fresh: dict[tuple[str, str], Element] = {}  # taught since they were last stored

    def __len__(self) -> int:
        return self._count

    def usual(self, project: str, target: str, now: int) -> Usual | None:
        """What is usual for an element at `now` (ms); None where too little is known."""
        known = self._projects.get(project)
        element = None if known is None else known.get(target)
        if element is None:
            return None
        element.fade(now)
        return element.usual()

    def meet(self, project: str, visit: Visit, event: Event) -> None:
        """Note on a visit's first click on an element what is usual for it, and learn from the event. To be called
        once for each event, whose `at` is on the server's clock."""
        target = event.target
        if target is None:
            return
        code = event.code
        if code == CLICK:
            if target not in visit.counts:
                event.usual = self.usual(project, target, event.at)
            self._clicked(project, visit, target, event.at)
        elif code in (RESPONSE, DEAD_CLICK):
            taught = visit.counts.get(target)
            if taught is None or taught[1] >= MOST_OF_VISIT:
                return
            taught[1] += 1
            element = self._element(project, target, event.at)
            if code == DEAD_CLICK:
                element.dead += 1.0
            else:
                element.answered += 1.0
                element.waited += event.value if event.value is not None else 0.0

    def _clicked(self, project: str, visit: Visit, target: str, at: int) -> None:
        same_run = visit.last_target == target and at - visit.last_at <= RUN_MS
        visit.last_target = target
        visit.last_at = at
        taught = visit.counts.get(target)
        if taught is None:
            if len(visit.counts) >= MAX_OF_VISIT:
                return
            taught = visit.counts[target] = [0, 0]
            self._element(project, target, at).visitors += 1.0
            same_run = False
        if taught[0] >= MOST_OF_VISIT:
            return
        taught[0] += 1
        element = self._element(project, target, at)
        element.clicks += 1.0
        if not same_run:
            element.runs += 1.0

    def _element(self, project: str, target: str, at: int) -> Element:
        """The record of an element, faded to `at`, made on first use."""
        known = self._projects.get(project)
        if known is None:
            known = self._projects[project] = OrderedDict()
        else:
            self._projects.move_to_end(project)
        element = known.get(target)
        if element is None:
            if len(known) >= MAX_OF_PROJECT:
                known.popitem(last=False)
                self._count -= 1
            elif self._count >= MAX_OF_ALL:
                self._forget_one()
            element = known[target] = Element(at)
            self._count += 1
        else:
            known.move_to_end(target)
        element.fade(at)
        self._fresh[(project, target)] = element
        return element

    def _forget_one(self) -> None:
        """The longest unused element of the longest unused project that has any."""
        for project, known in self._projects.items():
            if known:
                known.popitem(last=False)
                self._count -= 1
                if not known:
                    del self._projects[project]
                return

    def put(self, project: str, target: str, element: Element) -> None:
        """Take what was stored, at the start: the longest unused first."""
        known = self._projects.setdefault(project, OrderedDict())
        if target not in known and self._count < MAX_OF_ALL and len(known) < MAX_OF_PROJECT:
            known[target] = element
            self._count += 1

    def keep_fresh(self, unstored: list[tuple[str, str, Element]]) -> None:
        """Count these as fresh again: they could not be stored."""
        for project, target, element in unstored:
            self._fresh.setdefault((project, target), element)

    def fresh(self, most: int) -> list[tuple[str, str, Element]]:
        """Those that learned since they were last asked for, at most so many. They count as stored now."""
        names = list(self._fresh)[:most]
        return [(*name, self._fresh.pop(name)) for name in names]
