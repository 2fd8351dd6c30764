"""`GET /v1/shadow`: where the candidate model differs from the live one, for secret keys."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import protocol
from app.errors import NotFound
from app.ingest.shadow import Shadow, Tally
from app.transport import Doors, bearer


class ShadowDoor:
    """`shadow` is None where no candidate was set: the call then says how to set one."""

    def __init__(self, doors: Doors, shadow: Shadow | None) -> None:
        self._doors = doors
        self._shadow = shadow

    def routes(self) -> list[Route]:
        return [Route("/v1/shadow", self._report, methods=["GET"])]

    async def _report(self, request: Request) -> Response:
        key = self._doors.access.secret_key(bearer(dict(request.scope["headers"])))
        if self._shadow is None:
            raise NotFound(
                "no candidate model runs beside the live one: set SESSIONMOOD_SHADOW_MODEL to a model file"
            )
        tally = self._shadow.tallies.get(key.project, Tally())
        body = protocol.encode({"agreement": tally.agreement, **_fields(tally)})
        return Response(body, media_type="application/json")


def _fields(tally: Tally) -> dict[str, object]:
    return {name: getattr(tally, name) for name in tally.__struct_fields__}
