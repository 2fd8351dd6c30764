"""The mood engine, the sessions and the way of an event to them as machine code, where there is a C compiler: the same
readings, at a fraction of the processor's time.

Classes that are compiled take no new attributes, and their methods can't be replaced. What is made of msgspec's structs,
or inherits from what is not compiled, can't be itself.

The machine code lies apart from the sources and is used only if it was made from exactly these sources by this Python, so
that an edit counts at once. `python -X plain -m app …` leaves it unused.
"""

import hashlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(
    path
    for pattern in (
        "mood/**/*.py",
        "sessions/*.py",
        "protocol/events.py",
        "protocol/incoming.py",
        "protocol/readings.py",
        "server/frames.py",
        "auth/limits.py",
        "auth/rates.py",
        "auth/sharing.py",
        "transport/websocket.py",
        "transport/socket_sender.py",
        "transport/push_queue.py",
        "transport/slow_lane.py",
        "transport/rest.py",
        "transport/posted.py",
        "ingest/receive.py",
        "ingest/persist.py",
        "ingest/rows.py",
        "storage/queue.py",
        "storage/sqlite/commit.py",
        "storage/sqlite/rows.py",
        "counters.py",
        "clock.py",
    )
    for path in ROOT.glob(f"app/{pattern}")
    if path.name != "__init__.py"
)
#: Of the C compiler. A fused multiply-add would round otherwise than Python; functions that nobody outside calls need no
#: table to be found by, and can be merged into who calls them: a seventh less time an event.
FLAGS = "-ffp-contract=off -fno-semantic-interposition -fvisibility=hidden -fno-plt"
#: Holds extension modules under `app/`, and the stamp that says what they were made from.
BUILT = ROOT / "build" / "compiled"
STAMP = BUILT / "made-from"


def fingerprint() -> str:
    """Of the sources, of this Python and of how they are compiled."""
    seen = hashlib.sha256(f"{sys.version} {FLAGS}".encode())
    for path in SOURCES:
        seen.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()


def use() -> bool:
    """Let what was compiled be imported in place of the sources; False where that is not to be."""
    if "plain" in sys._xoptions:
        return False
    try:
        fits = STAMP.read_text() == fingerprint()
    except OSError:
        return False
    if fits:
        sys.meta_path.insert(0, Compiled())
        sys.path.append(str(BUILT))  # the part that all modules share lies at the top
    return fits


class Compiled(MetaPathFinder):
    """Finds the machine code of a module that lies among others that have none."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("app."):
            return None
        file = BUILT / (fullname.replace(".", "/") + EXTENSION_SUFFIXES[0])
        return spec_from_file_location(fullname, file) if file.exists() else None
