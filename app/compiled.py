"""The mood engine and the sessions as machine code, where there is a C compiler: seven times as fast, the same
readings.

The machine code lies apart from the sources and is used only if it was made from exactly these sources by this Python, so
that an edit counts at once. `python -X plain -m app …` leaves it unused.
"""

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_ROOMS = (
    "elements.py",
    "frames.py",
    "history.py",
    "producers.py",
    "registry.py",
    "sessions.py",
    "wire_events.py",
)
SOURCES = [*sorted(ROOT.glob("app/mood/*.py")), *(ROOT / "app" / name for name in _ROOMS)]
#: Holds extension modules under `app/`, and the stamp that says what they were made from.
BUILT = ROOT / "build" / "compiled"
STAMP = BUILT / "made-from"


def fingerprint() -> str:
    """Of the sources and of this Python."""
    seen = hashlib.sha256(sys.version.encode())
    for path in SOURCES:
        seen.update(path.name.encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()


def use(package_path: list[str]) -> bool:
    """Let what was compiled be imported in place of the sources; False where that is not to be."""
    if "plain" in sys._xoptions:
        return False
    try:
        fits = STAMP.read_text() == fingerprint()
    except OSError:
        return False
    if fits:
        package_path.insert(0, str(BUILT / "app"))
        sys.path.append(str(BUILT))  # the part that all modules share lies at the top
    return fits
