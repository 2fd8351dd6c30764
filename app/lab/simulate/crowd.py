"""Many visitors at once."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from app.lab.simulate.personas import PERSONAS
from app.lab.simulate.visitor import Visitor

#: New visitors a second at most, so that a large crowd does not look like an attack.
ARRIVALS_PER_SECOND = 50


class Crowd:
    """`visitors` people, the personas in turn. `began`: on the monotonic clock; `first_seen`: mood -> seconds."""

    def __init__(self, visitors: int, seed: int, changed: Callable[[Visitor], None]) -> None:
        self.began = time.monotonic()
        self.first_seen: dict[str, float] = {}
        self._changed = changed
        run = secrets.token_hex(4)
        self.visitors = [
            Visitor(
                PERSONAS[at % len(PERSONAS)],
                f"sim-{PERSONAS[at % len(PERSONAS)].name.lower()}-{at}-{run}",
                seed + at,
                self._note,
            )
            for at in range(visitors)
        ]

    def _note(self, visitor: Visitor) -> None:
        self.first_seen.setdefault(visitor.moods[-1], time.monotonic() - self.began)
        self._changed(visitor)

    async def visit(self, url: str, key: str, speed: float, seconds: float) -> None:
        """All at once; the first refusal ends everybody's visit. Raises Refused or OSError."""
        self.began = time.monotonic()
        deadline = self.began + seconds
        address = socket_address(url)

        async def one(at: int, visitor: Visitor) -> None:
            await asyncio.sleep(at / ARRIVALS_PER_SECOND if len(self.visitors) > ARRIVALS_PER_SECOND else 0)
            await visitor.visit(address, key, speed, deadline - time.monotonic())

        tasks = [asyncio.create_task(one(at, visitor)) for at, visitor in enumerate(self.visitors)]
        try:
            await _all(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _all(tasks: "Sequence[asyncio.Task[None]]") -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()


def socket_address(url: str) -> str:
    """`https://host/path` -> `wss://host/path`. Raises ValueError for anything else."""
    parts = urlsplit(url)
    schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if parts.scheme not in schemes or not parts.netloc:
        raise ValueError(f"{url}: an address like http://127.0.0.1:8000 is needed")
    return f"{schemes[parts.scheme]}://{parts.netloc}{parts.path.rstrip('/')}"
