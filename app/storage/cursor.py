"""Where a page of the sessions list ended: opaque to who holds it, and of no use when changed."""

import base64
import binascii
import hashlib
import hmac

import msgspec

from app import errors
from app.storage import Traits

_TAG_BYTES = 12


class Filters(msgspec.Struct, frozen=True, array_like=True):
    """What a list is of. Moments in ms: the last activity is at or after `active_since` and `since`, and before
    `quiet_since` and `before`."""

    project: str
    traits: Traits | None
    active_since: int | None
    quiet_since: int | None
    since: int | None
    before: int | None
    page: str | None

    def same_list(self, other: "Filters") -> bool:
        """Whether both ask for the same, though at different moments: what counts as active moves with time."""
        return self._timeless() == other._timeless()

    def _timeless(self) -> tuple[object, ...]:
        active, quiet = self.active_since is None, self.quiet_since is None
        return self.project, self.traits, active, quiet, self.since, self.before, self.page


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The last session shown. The filters are part of it: a cursor goes on with its own list only."""

    last_at: int
    session: str
    filters: Filters


def write_cursor(position: Position, secret: bytes) -> str:
    packed = msgspec.msgpack.encode(position)
    return base64.urlsafe_b64encode(_tag(packed, secret) + packed).rstrip(b"=").decode()


def read_cursor(cursor: str, secret: bytes, filters: Filters) -> Position:
    """Raises BadRequest for a cursor that was not written with `secret` for a list with `filters`."""
    refusal = errors.BadRequest("the cursor is not one of this list")
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise refusal from None
    tag, packed = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(packed, secret)):
        raise refusal
    try:
        position = msgspec.msgpack.decode(packed, type=Position)
    except msgspec.MsgspecError:  # written before an update
        raise refusal from None
    if not position.filters.same_list(filters):
        raise refusal
    return position


def _tag(packed: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, packed, hashlib.sha256)[:_TAG_BYTES]
