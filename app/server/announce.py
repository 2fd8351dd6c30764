"""What an operator is told: where everything is, what runs, and what is refused in bursts."""

import json
import logging
import time
from collections import deque
from typing import Any, Final

from app import COMPILED, __version__
from app.counters import Counters
from app.web import App

logger = logging.getLogger("sessionmood.server")

#: Refusals are looked at this often (s), and told in one line when there were so many since the last look.
BURST_EVERY: Final = 10.0
BURST: Final = 20
#: Codes named in such a line, the most frequent first.
NAMED: Final = 4
#: The loop may be so late (s) before a line of the log says so, at most once in BURST_EVERY; and looks (one a second)
#: of which the worst is told.
STANDSTILL: Final = 1.0
LOOKS_BACK: Final = 60


def announce(app: App, port: int) -> None:
    """Tell where everything is, and the keys of a first start: on standard output for people, as lines of JSON where
    the log is JSON. One line of the log says what runs."""
    settings = app.settings
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104
    base = settings.public_url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    keys = app.pages.fresh_keys
    as_json = settings.log_format == "json"
    if as_json:
        demo = {"demo": f"{base}/demo"} if app.access.demo_on else {}
        _line("SessionMood is up", address=base, **demo)
        if keys:
            names = {"sk": "secret", "pk": "publishable"}
            told = {names[kind]: plain for kind, plain in keys.items()}
            _line("the first pair of keys, shown only now", **told)
    else:
        lines = ["", f"SessionMood is up at {base}"]
        if app.access.demo_on:
            lines.append(f"  demo        {base}/demo")
        if "sk" in keys:
            lines.append(f"  secret      {keys['sk']}   for servers; shown only now")
        if "pk" in keys:
            lines.append(f"  publishable {keys['pk']}   for pages")
        print("\n".join(lines), flush=True)
    days = settings.retention_days
    fields: dict[str, object] = {
        "version": __version__,
        "listening": f"{settings.host}:{port}",
        "database": settings.shown_database,
        "sockets": settings.connection_cap,
        "requests": settings.request_cap,
        "sessions": settings.max_sessions,
        "retention_days": days,
        "engine": "compiled" if COMPILED else "Python",
    }
    logger.info(
        "started: version %s, %s:%d, %s, at most %s sockets, %s sessions in memory, sessions kept %s, engine %s",
        __version__,
        settings.host,
        port,
        settings.shown_database,
        f"{settings.connection_cap:,}",
        f"{settings.max_sessions:,}",
        f"{days:g} days" if days else "for ever",
        fields["engine"],
        extra={"fields": fields},
    )


def _line(message: str, **fields: str) -> None:
    line: dict[str, Any] = {
        "at": time.time_ns() // 1_000_000,
        "level": "info",
        "logger": "sessionmood.server",
    }
    print(json.dumps({**line, "message": message, **fields}), flush=True)


class Bursts:
    """Many refusals become one line with their counts; single ones are on `/metrics` only."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._told: dict[str, int] = {}
        self._next = 0.0

    def look(self, now: float) -> None:
        """`now`: seconds of any steady clock. Call it about once a second."""
        if now < self._next:
            return
        self._next = now + BURST_EVERY
        counts = {f"{code} ({door})": n for (door, code), n in self._counters.refusals.items()}
        counts |= {f"{code} (nack)": n for code, n in self._counters.nacks.items()}
        fresh = {name: n - self._told.get(name, 0) for name, n in counts.items()}
        self._told = counts
        most = sorted(((n, name) for name, n in fresh.items() if n), reverse=True)
        total = sum(n for n, _ in most)
        if total >= BURST:
            named = ", ".join(f"{n:,} {name}" for n, name in most[:NAMED])
            logger.warning(
                "%s refusals within %.0f s: %s%s",
                f"{total:,}",
                BURST_EVERY,
                named,
                ", and others" if len(most) > NAMED else "",
                extra={"fields": {"refusals": {name: n for n, name in most}}},
            )


class Standstills:
    """How late the loop comes to what is due each second: whatever holds it up holds up everybody. `worst`: s, of the
    last minute."""

    def __init__(self) -> None:
        self._late: deque[float] = deque([0.0], maxlen=LOOKS_BACK)
        self._next = 0.0

    def note(self, late: float, now: float) -> None:
        """`late`: by how much (s) it came late just now; `now`: seconds of any steady clock."""
        self._late.append(late)
        if late >= STANDSTILL and now >= self._next:
            self._next = now + BURST_EVERY
            logger.warning(
                "everything stood still for %.1f s: this machine is too busy, or was stopped, or one call took too long",
                late,
            )

    @property
    def worst(self) -> float:
        return max(self._late)
