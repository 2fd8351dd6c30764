"""`/v1/keys`: a secret key makes, lists and revokes the keys of its own project."""

from typing import Annotated, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.keys import new_key
from app.auth.origins import normal_origin
from app.errors import BadBody, Forbidden, NotFound
from app.protocol.fields import Count, whole
from app.storage import Key
from app.transport import Doors
from app.transport.api.manage import decoded, json_answer, secret_route

#: Keys of one project that are good at the same time.
MAX_KEYS = 1000


class KeyRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A key to be made. `origins`: where browsers may use it, none for everywhere; `monthly_sessions`:
    sessions it may open a calendar month (UTC); `events_per_second`: with bursts of ten seconds."""

    kind: Literal["sk", "pk"]
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    origins: Annotated[list[Annotated[str, msgspec.Meta(max_length=300)]], msgspec.Meta(max_length=100)] = []
    monthly_sessions: Count | None = None
    events_per_second: Annotated[float, msgspec.Meta(gt=0, le=1e9)] | None = None


class Keys:
    """The calls of `/v1/keys`."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def routes(self) -> list[Route]:
        return [
            secret_route(self._doors, "/v1/keys", GET=self._list, POST=self._create),
            secret_route(self._doors, "/v1/keys/{key_id}", DELETE=self._revoke),
        ]

    async def _list(self, request: Request, key: Key) -> Response:
        found = sorted(self._doors.access.of_project(key.project), key=lambda each: each.created_at)
        return json_answer({"keys": [_shown(each) for each in found]})

    async def _create(self, request: Request, key: Key) -> Response:
        wanted = await decoded(request, KeyRequest)
        access = self._doors.access
        if sum(each.revoked_at is None for each in access.of_project(key.project)) >= MAX_KEYS:
            raise Forbidden(f"a project may have {MAX_KEYS} keys; revoke one that is not used")
        try:
            origins = tuple(dict.fromkeys(normal_origin(entry) for entry in wanted.origins))
        except ValueError as error:
            raise BadBody(str(error)) from None
        monthly = wanted.monthly_sessions
        if monthly is not None:
            monthly = whole("monthly_sessions", monthly)
        plain, kept = new_key(
            wanted.kind,
            key.project,
            self._doors.clock(),
            wanted.name,
            origins,
            monthly,
            wanted.events_per_second,
        )
        await self._doors.store.add_key(kept)
        await access.refresh()
        self._doors.on_keys()
        return json_answer({**_shown(kept), "key": plain}, 201)

    async def _revoke(self, request: Request, key: Key) -> Response:
        key_id = request.path_params["key_id"]
        access = self._doors.access
        if access.by_id(key.project, key_id) is None:
            raise NotFound("this project has no key of this id")
        await self._doors.store.revoke_key(key_id, self._doors.clock())
        await access.refresh()
        self._doors.on_keys()
        return Response(status_code=204)


def _shown(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "kind": key.kind,
        "name": key.name,
        "origins": key.origins,
        "monthly_sessions": key.monthly_sessions,
        "events_per_second": key.events_per_second,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
