"""Work over many recorded lines, on all processors, results in the order of the lines."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from typing import Final, TypeVar

import msgspec

from app.lab.recordings import Line, Recording, RecordingError, decode
from app.mood import Model

#: Bytes of recordings handed to a processor at once: large against the cost of handing over, small against
#: a file, so that all processors end at about the same time.
BATCH_BYTES: Final = 1 << 18
#: Batches under way for each processor: bounds the memory, whatever the size of the input.
AHEAD: Final = 3

T = TypeVar("T")
Work = Callable[[Recording, Model], T]
Overrides = Mapping[str, object]


def parallel_map(
    lines: Iterable[Line], work: Work[T], overrides: Overrides, processes: int | None = None
) -> Iterator[tuple[Line, T]]:
    """(line, `work(recording, model)`) for every line, in order. `work` must be a module's function.

    Input of less than a batch is worked on right here. Raises RecordingError for the first line that is no
    recording, after the results of all lines before it.
    """
    batches = _batches(lines)
    processes = processes or os.cpu_count() or 1
    first = list(islice(batches, 2))
    if processes == 1 or len(first) < 2:
        for batch in chain(first, batches):
            yield from _checked(batch, _work_on(batch, work, overrides))
        return
    with ProcessPoolExecutor(processes) as pool:
        under_way: deque[tuple[_Batch, Future[_Done[T]]]] = deque()
        try:
            for batch in chain(first, batches):
                under_way.append((batch, pool.submit(_work_on, batch, work, overrides)))
                if len(under_way) >= processes * AHEAD:
                    yield from _finished(under_way)
            while under_way:
                yield from _finished(under_way)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Batch(msgspec.Struct):
    """`error`: why there are no lines after these, if the file could not be read on."""

    lines: list[Line]
    error: str | None = None


#: results of the first lines of a batch, and what was wrong with the next one
_Done = tuple[list[T], str | None]


def _batches(lines: Iterable[Line]) -> Iterator[_Batch]:
    batch = _Batch([])
    weight = 0
    try:
        for line in lines:
            batch.lines.append(line)
            weight += len(line.raw)
            if weight >= BATCH_BYTES:
                yield batch
                batch, weight = _Batch([]), 0
    except RecordingError as error:
        batch.error = str(error)
    if batch.lines or batch.error:
        yield batch


def _finished(under_way: "deque[tuple[_Batch, Future[_Done[T]]]]") -> Iterator[tuple[Line, T]]:
    batch, future = under_way.popleft()
    yield from _checked(batch, future.result())


def _checked(batch: _Batch, done: _Done[T]) -> Iterator[tuple[Line, T]]:
    results, error = done
    yield from zip(batch.lines, results, strict=False)
    if error is not None:
        raise RecordingError(error)


_models: dict[tuple[tuple[str, object], ...], Model] = {}


def model_with(overrides: Overrides) -> Model:
    """Built once in each process, not once a batch: a model itself does not travel between processes."""
    name = tuple(overrides.items())
    if name not in _models:
        _models[name] = Model.with_overrides(overrides)
    return _models[name]


def _work_on(batch: _Batch, work: Work[T], overrides: Overrides) -> _Done[T]:
    model = model_with(overrides)
    results: list[T] = []
    for line in batch.lines:
        try:
            results.append(work(decode(line), model))
        except RecordingError as error:
            return results, str(error)
    return results, batch.error
