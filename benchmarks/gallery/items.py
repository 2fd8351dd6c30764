"""What the gallery tries: pages, and on each page what a visitor does and what is true of it.

A page is `pages/NAME.html` (a fragment of a body), `NAME.js` or `NAME.jsx` (bundled), or both, beside `NAME.json`:

    {"library": "Bootstrap 5", "working": [["#save", "click"], …], "dead": […], "slow": […], "benign": […]}

An item is a selector, an action (`hands.py` has the words) and, where it is not plain, why it is true.
"""

import random
from pathlib import Path

import msgspec

PAGES = Path(__file__).parent / "pages"
#: Written last, and tried once: three times so far.
FRESH = Path(__file__).parent / "fresh"
LATEST = Path(__file__).parent / "latest"
THIRD = Path(__file__).parent / "third"
#: how many items of each kind the gallery must have
SMALLEST = {"working": 150, "dead": 60, "slow": 25, "benign": 40}
TRUTHS = tuple(SMALLEST)


class Item(msgspec.Struct, frozen=True):
    """One thing a visitor does. `truth`: working (the page answers within 1 s), slow (it answers after 1 to 6 s),
    dead (it never answers), benign (nothing that asks for an answer, or use that looks hasty and is fine)."""

    page: str
    library: str
    selector: str
    action: str
    truth: str
    why: str = ""

    @property
    def name(self) -> str:
        return f"{self.page} {self.selector} [{self.action}]"


class _Page(msgspec.Struct, forbid_unknown_fields=True):
    library: str
    working: list[list[str]] = []
    dead: list[list[str]] = []
    slow: list[list[str]] = []
    benign: list[list[str]] = []


def read(folder: Path = PAGES) -> list[Item]:
    """Every item of a folder of pages, in the order of their names. ValueError names the file and what is wrong."""
    items: list[Item] = []
    for path in sorted(folder.glob("*.json")):
        try:
            page = msgspec.json.decode(path.read_bytes(), type=_Page)
            for truth in TRUTHS:
                for selector, action, *why in getattr(page, truth):
                    items.append(Item(path.stem, page.library, selector, action, truth, " ".join(why)))
        except (msgspec.MsgspecError, ValueError) as error:
            raise ValueError(f"{path.name}: {error}") from None
    names = [item.name for item in items]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"the same item twice: {', '.join(doubled)}")
    return items


def sample(items: list[Item], every: int) -> list[Item]:
    """A part of them, alike in truths and libraries, the same each time."""
    order = sorted(items, key=lambda item: (item.truth, random.Random(item.name).random()))
    return order[::every]
