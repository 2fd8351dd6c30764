"""The types of single fields, with their bounds."""

from typing import Annotated

import msgspec

from app.errors import BadBody

Text = Annotated[str, msgspec.Meta(max_length=200)]
Word = Annotated[str, msgspec.Meta(max_length=64)]
#: Measures, as a client writes them: a whole number stays one, which the log has in half the time of a fraction.
Px = Annotated[int, msgspec.Meta(ge=-(10**7), le=10**7)] | Annotated[float, msgspec.Meta(ge=-1e7, le=1e7)]
Value = (
    Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)] | Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
)
Time = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
#: Whole numbers, which some JSON writers give a fraction: 1.0. `whole` refuses any other.
Seq = Annotated[int, msgspec.Meta(ge=1, le=2**53)] | Annotated[float, msgspec.Meta(ge=1, le=2**53)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)] | Annotated[float, msgspec.Meta(ge=0, le=2**53)]
Producer = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Reports = Annotated[list[Word], msgspec.Meta(max_length=64)]
Secret = Annotated[str, msgspec.Meta(max_length=2048)]


def whole(name: str, number: float) -> int:
    """`number` of the field `name`, which must be whole, however it is written. Raises BadBody."""
    if number != int(number):
        raise BadBody(f"`{name}` is {number:g}, not a whole number")
    return int(number)


def whole_numbers(seq: float | None, lost: float) -> tuple[int | None, int]:
    return (
        seq if seq is None or type(seq) is int else whole("seq", seq),
        lost if type(lost) is int else whole("lost", lost),
    )
