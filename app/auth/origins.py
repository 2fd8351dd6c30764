"""Which pages may use a publishable key."""

import re
from collections.abc import Iterable
from typing import Final

from app.auth.keys import PUBLISHABLE
from app.errors import BadOrigin
from app.storage import Key

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(\*\.)?[a-z0-9._-]+(:[0-9]{1,5})?")
_LABELS: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


def normal_origin(text: str) -> str:
    """An entry of a key's list as browsers would send it. Raises ValueError for what is no origin."""
    entry = text.strip().lower().removesuffix("/")
    if entry == "*" or _ORIGIN.fullmatch(entry):
        return entry.removesuffix(":443" if entry.startswith("https:") else ":80")
    raise ValueError(f"{text[:200]!r} is no origin: a scheme and a host, like https://shop.example")


def check_origin(key: Key, origin: str | None) -> None:
    """Raises BadOrigin unless `origin` (a browser's Origin header) is on the key's list; an empty list takes
    any. An entry is an origin (`https://shop.example`) or stands for all subdomains (`https://*.shop.example`)."""
    if not key.origins:
        return
    if origin is None:
        raise BadOrigin("this key is bound to origins, and the request names none")
    if not any(_covers(allowed, origin) for allowed in key.origins):
        raise BadOrigin(f"{origin[:200]} is not on this key's list of origins")


def _covers(allowed: str, origin: str) -> bool:
    if allowed in ("*", origin):
        return True
    scheme, star, rest = allowed.partition("*.")
    end = "." + rest
    if not star or not origin.startswith(scheme) or not origin.endswith(end):
        return False
    return _LABELS.fullmatch(origin[len(scheme) : -len(end)]) is not None


class Origins:
    """The origins of all keys together: for answers that are given before a key was seen."""

    def __init__(self, keys: Iterable[Key]) -> None:
        alive = [key for key in keys if key.revoked_at is None and key.kind == PUBLISHABLE]
        entries = {origin for key in alive for origin in key.origins}
        self._any = "*" in entries or any(not key.origins for key in alive)
        self._exact = frozenset(entry for entry in entries if "*" not in entry)
        self._wild = [entry for entry in entries if "*." in entry]

    def known(self, origin: str) -> bool:
        """Whether some publishable key may be used from `origin`."""
        return self._any or origin in self._exact or any(_covers(entry, origin) for entry in self._wild)
