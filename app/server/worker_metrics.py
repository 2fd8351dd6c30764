"""The metrics of all workers of a machine in one answer, whichever of them is asked.

A scrape of one port meets any of the processes behind it, so that counters would jump between them. Each tells the
others its own over a Unix socket in a folder that only this user may enter.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.samples import Sample

#: Who has not told within so long (s) is left out.
PATIENCE: Final = 1.0
LABEL: Final = "worker"


class Family(msgspec.Struct, array_like=True):
    """A metric as it travels: name, what it means, type, unit, and its samples: name, labels, value."""

    name: str
    text: str
    type: str
    unit: str
    samples: list[tuple[str, dict[str, str], float]]


class WorkerMetrics:
    """Worker `number` (from 1) of `count`, which meet in `folder`. `own` gives what this one counts."""

    def __init__(self, folder: Path, number: int, count: int, own: Callable[[], Iterable[Metric]]) -> None:
        self._folder = folder
        self._number = number
        self._count = count
        self._own = own
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        path = self._path(self._number)
        path.unlink(missing_ok=True)  # of the one before, which was killed
        self._server = await asyncio.start_unix_server(self._tell, path)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._path(self._number).unlink(missing_ok=True)

    async def together(self) -> list[Metric]:
        """Of all workers, each sample with its worker's number."""
        numbers = range(1, self._count + 1)
        found = await asyncio.gather(*(self._of(number) for number in numbers))
        up = GaugeMetricFamily("sessionmood_worker_up", "0: a worker that did not tell", labels=[LABEL])
        merged: dict[str, Metric] = {}
        for number, families in zip(numbers, found, strict=True):
            up.add_metric([str(number)], float(bool(families)))
            for family in families:
                metric = merged.get(family.name)
                if metric is None:
                    metric = Metric(family.name, family.text, family.type, family.unit)
                    merged[family.name] = metric
                for name, labels, value in family.samples:
                    metric.samples.append(Sample(name, {**labels, LABEL: str(number)}, value))
        return [up, *merged.values()]

    async def _of(self, number: int) -> list[Family]:
        """Nothing where the worker is not there, or too busy."""
        if number == self._number:
            return self._families()
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_unix_connection(self._path(number))
                try:
                    return msgspec.msgpack.decode(await reader.read(), type=list[Family])
                finally:
                    writer.close()
        except (OSError, TimeoutError, msgspec.DecodeError):
            return []

    async def _tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(msgspec.msgpack.encode(self._families()))
            await writer.drain()
        writer.close()

    def _families(self) -> list[Family]:
        return [
            Family(
                metric.name,
                metric.documentation,
                metric.type,
                metric.unit,
                [(sample.name, sample.labels, sample.value) for sample in metric.samples],
            )
            for metric in self._own()
        ]

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.sock"
