"""Steps that fail before they go through."""

from collections.abc import Callable
from typing import Any


class Refusals:
    """A call that fails with each of `errors`, one after the other, before it goes `through`."""

    def __init__(self, call: Callable[..., Any], *errors: Exception) -> None:
        self.call, self.errors, self.through = call, list(errors), 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        self.through += 1
        return self.call(*args, **options)
