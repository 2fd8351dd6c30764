"""One project can't read, guess or disturb another's sessions: here it tries."""

import httpx2
import pytest

from tests.security.conftest import Keys
from tests.support.server import ServerProcess, fresh

CLICK = {"type": "click"}
ANGRY = [{"type": kind, "target": "#pay"} for kind in ("rage_click", "dead_click", "error", "error")]


def erase(server: ServerProcess, session: str, key: str) -> int:
    url = f"{server.base}/v1/sessions/{session}"
    return httpx2.delete(url, headers={"x-api-key": key}).status_code


def mint(server: ServerProcess, session: str, key: str) -> str:
    answer = httpx2.post(f"{server.base}/v1/sessions/{session}/token", headers={"x-api-key": key})
    return str(answer.json()["token"])


def test_the_same_id_in_two_projects_is_two_sessions(secured: ServerProcess, other: Keys) -> None:
    session = fresh()
    secured.post(session, ANGRY)
    theirs = secured.post(session, CLICK, key=other.sk).json()["mood"]
    assert (theirs["event_count"], theirs["mood"] == "frustrated") == (1, False)
    assert secured.get(f"/v1/sessions/{session}/mood").json()["event_count"] == 4
    assert len(secured.get(f"/v1/sessions/{session}/timeline", key=other.sk).json()["events"]) == 1
    assert erase(secured, session, other.sk) == 204
    assert secured.get(f"/v1/sessions/{session}/mood", key=other.sk).status_code == 404
    assert secured.get(f"/v1/sessions/{session}/mood").json()["event_count"] == 4
    assert len(secured.get(f"/v1/sessions/{session}/timeline").json()["events"]) == 4


def test_nothing_of_another_project_can_be_read(secured: ServerProcess, other: Keys) -> None:
    session = fresh()
    page = f"/{session}"
    token = secured.post(session, {"type": "page_view", "url": page}, key=secured.pk).json()["token"]
    absent = fresh()
    for call in ("/mood", "", "/timeline"):
        found = secured.get(f"/v1/sessions/{session}{call}", key=other.sk)
        missing = secured.get(f"/v1/sessions/{absent}{call}", key=other.sk)
        assert found.status_code == missing.status_code == 404
        assert found.json() == missing.json()  # not even whether it exists
    assert erase(secured, session, other.sk) == 404
    assert secured.get(f"/v1/sessions?page={page}", key=other.sk).json()["sessions"] == []
    assert session not in secured.get("/v1/sessions?limit=500", key=other.sk).text
    assert secured.get(f"/v1/sessions?page={page}").json()["sessions"][0]["session"] == session
    with_token = secured.get(f"/v1/sessions/{session}/mood", key=other.pk, **{"x-session-token": token})
    assert with_token.status_code == 403


def test_a_cursor_of_another_project_leads_nowhere(secured: ServerProcess, other: Keys) -> None:
    for _ in range(3):
        secured.post(fresh(), CLICK)
        secured.post(fresh(), CLICK, key=other.sk)
    mine = {row["session"] for row in secured.get("/v1/sessions?limit=500").json()["sessions"]}
    cursor = secured.get("/v1/sessions?limit=1").json()["cursor"]
    answer = secured.get(f"/v1/sessions?limit=500&cursor={cursor}", key=other.sk)
    if answer.status_code == 200:
        assert not mine & {row["session"] for row in answer.json()["sessions"]}
    else:
        assert answer.status_code == 400


def test_a_token_of_another_project_opens_nothing(secured: ServerProcess, other: Keys) -> None:
    session = fresh()
    secured.post(session, CLICK, key=secured.pk)
    stranger = mint(secured, session, other.sk)  # the same id, signed for the other project
    for key in (secured.pk, other.pk):
        answer = secured.post(session, CLICK, key=key, **{"x-session-token": stranger})
        assert answer.status_code == (403 if key == secured.pk else 200)
    assert secured.get(f"/v1/sessions/{session}/mood").json()["event_count"] == 1


async def test_a_publishable_key_is_for_its_own_session_only(secured: ServerProcess) -> None:
    victim, own = fresh(), fresh()
    secured.post(victim, CLICK, key=secured.pk)
    token = secured.post(own, CLICK, key=secured.pk).json()["token"]
    mine = {"x-session-token": token}
    assert secured.post(victim, ANGRY, key=secured.pk, **mine).status_code == 403
    assert secured.get(f"/v1/sessions/{victim}/mood", key=secured.pk, **mine).status_code == 403
    assert secured.get(f"/v1/sessions/{victim}/mood", key=secured.pk).status_code == 403
    for path in (f"/v1/sessions/{own}", f"/v1/sessions/{own}/timeline", "/v1/sessions", "/v1/keys"):
        assert secured.get(path, key=secured.pk, **mine).status_code == 403
    assert erase(secured, own, secured.pk) == 403
    async with secured.socket(victim, key="") as socket:
        await socket.send({"op": "hello", "key": secured.pk, "token": token})
        assert (await socket.closed())[0] == 4010
    assert secured.get(f"/v1/sessions/{victim}/mood").json()["event_count"] == 1


async def test_live_sockets_of_two_projects_hear_nothing_of_each_other(
    secured: ServerProcess, other: Keys
) -> None:
    session = fresh()
    async with secured.socket(session) as mine, secured.socket(session, key=other.sk) as theirs:
        await mine.hello(producer="p", every=True)
        await theirs.hello(producer="p", every=True)
        await mine.send({"op": "events", "seq": 1, "events": ANGRY})
        await mine.until("mood", mood="frustrated")
        await mine.until("ack", seq=4)
        await theirs.send({"op": "events", "seq": 1, "events": [CLICK]})  # the same producer and numbers
        heard = await theirs.until("mood")
        assert (heard["event_count"], heard["mood"] == "frustrated") == (1, False)
        assert (await theirs.until("ack"))["duplicates"] == 0
        assert erase(secured, session, other.sk) == 204
        assert (await theirs.closed())[0] == 4005
        await mine.send({"op": "ping"})
        await mine.until("pong")
        assert (await mine.hello(producer="p"))["ack"] == 4


async def test_a_hello_can_not_change_projects(secured: ServerProcess, other: Keys) -> None:
    async with secured.socket(fresh()) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "hello", "key": other.sk})
        assert (await socket.closed())[0] == 4001


@pytest.mark.parametrize(
    "id",
    ["..%2Fother", "a%00b", "a%0Ab", "%C3%A9", "a%20b", "a'--", "a%27%20OR%20%271%27=%271", "x" * 129, "%"],
)
def test_ids_that_would_reach_elsewhere(secured: ServerProcess, id: str) -> None:
    for call in ("/mood", "/timeline", ""):
        answer = httpx2.get(f"{secured.base}/v1/sessions/{id}{call}", headers={"x-api-key": secured.sk})
        assert answer.status_code in (400, 404)
        assert answer.headers["content-type"] == "application/problem+json"
