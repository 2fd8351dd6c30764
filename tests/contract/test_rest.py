"""REST: statuses, problems, entity tags, lists."""

import re
from typing import Any

import httpx2
import pytest

from tests.support.server import ServerProcess, fresh

CLICK = {"type": "click"}


def test_post_answers_with_these_fields(server: ServerProcess) -> None:
    answer = server.post(fresh(), CLICK).json()
    assert list(answer) == ["accepted", "duplicates", "ignored", "ack", "mood"]
    assert list(server.post(fresh(), CLICK, key=server.pk).json())[-1] == "token"


@pytest.mark.parametrize("media", ["application/json", "application/json; charset=utf-8", "text/plain", ""])
def test_json_and_text_plain_are_taken(server: ServerProcess, media: str) -> None:
    headers = {"x-api-key": server.sk, **({"content-type": media} if media else {})}
    assert httpx2.post(server.url(fresh()), content=b'{"type": "click"}', headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/xml"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_415_for_what_can_not_be_read(server: ServerProcess, headers: dict[str, str]) -> None:
    assert server.post(fresh(), CLICK, **headers).status_code == 415


PROBLEMS: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", "/v1/sessions/s/events", {"json": CLICK, "headers": {"x-api-key": "sk_wrong"}}, 401),
    ("GET", "/v1/sessions/s/mood", {"headers": {"x-api-key": ""}}, 401),
    ("GET", "/v1/sessions", {"headers": {"authorization": "Basic eDp5"}}, 401),
    ("GET", "/v1/sessions/nobody-there/mood", {}, 404),
    ("GET", "/v1/sessions/nobody-there", {}, 404),
    ("GET", "/v1/sessions/nobody-there/timeline", {}, 404),
    ("DELETE", "/v1/sessions/nobody-there", {}, 404),
    ("DELETE", "/v1/keys/key_none", {}, 404),
    ("GET", "/v1/no-such-call", {}, 404),
    ("GET", "/v1/sessions/s/events", {}, 405),
    ("DELETE", "/v1/sessions/s/mood", {}, 405),
    ("PUT", "/v1/sessions/s", {}, 405),
    ("POST", "/v1/sessions/s/events", {"json": {"producer": "p", "seq": 5, "events": [CLICK]}}, 409),
    ("POST", "/v1/sessions/s/events", {"json": [CLICK] * 501}, 413),
    ("POST", "/v1/sessions/s/events", {"content": b"<x/>", "headers": {"content-type": "text/xml"}}, 415),
    ("POST", "/v1/sessions/s/events", {"json": [CLICK, {"x": 1}]}, 422),
    ("POST", "/v1/keys", {"json": {"kind": "xk"}}, 422),
]


@pytest.mark.parametrize(("method", "path", "request_", "status"), PROBLEMS)
def test_errors_are_problem_documents(
    server: ServerProcess, method: str, path: str, request_: dict[str, Any], status: int
) -> None:
    headers = {"x-api-key": server.sk, **request_.get("headers", {})}
    if "authorization" in headers:
        del headers["x-api-key"]
    answer = httpx2.request(method, server.base + path, **{**request_, "headers": headers})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:sessionmood:")
    assert problem["title"]
    assert problem["detail"]
    assert "sk_" not in answer.text
    if status == 405:
        assert answer.headers["allow"]


def test_the_reason_of_a_refusal_and_its_index(server: ServerProcess) -> None:
    problem = server.post(fresh(), [CLICK, CLICK, {"type": "scroll", "value": 200}]).json()
    assert problem["type"] == "urn:sessionmood:bad_event"
    assert problem["index"] == 2
    assert "0 to 100" in problem["detail"]


@pytest.mark.parametrize("id", ["a" * 128, "A-Z.a_z~0-9", "..x", "-"])
def test_session_ids_that_are_allowed(server: ServerProcess, id: str) -> None:
    assert server.post(id, CLICK).status_code == 200


@pytest.mark.parametrize("id", ["a" * 129, "a%20b", "%C3%A9", "a:b", "a@b", "%00", "a+b", ""])
def test_session_ids_that_are_not(server: ServerProcess, id: str) -> None:
    assert server.post(id, CLICK).status_code == 400


@pytest.mark.parametrize("form", ["{}", "W/{}", '"1.1", {}', '{} , "9.x"', "*"])
def test_if_none_match_gives_304(server: ServerProcess, form: str) -> None:
    session = fresh()
    server.post(session, CLICK)
    path = f"/v1/sessions/{session}/mood"
    tag = server.get(path).headers["etag"]
    same = server.get(path, **{"if-none-match": form.format(tag)})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"]
    assert server.get(path, **{"if-none-match": '"1.1"'}).status_code == 200


def test_head_is_get_without_a_body(server: ServerProcess) -> None:
    session = fresh()
    server.post(session, CLICK)
    answer = httpx2.head(server.url(session, "mood"), headers={"x-api-key": server.sk})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"]


def test_wait_ends_when_the_time_is_over(server: ServerProcess) -> None:
    session = fresh()
    server.post(session, CLICK)
    answer = server.get(f"/v1/sessions/{session}/mood?wait=0.1")
    assert (answer.status_code, answer.json()["event_count"]) == (200, 1)


def test_filters_and_pages_of_the_list(server: ServerProcess) -> None:
    page = f"/{fresh()}"
    calm, angry = [fresh() for _ in range(3)], [fresh() for _ in range(3)]
    for name in calm:
        server.post(name, {"type": "page_view", "url": page})
    for name in angry:
        server.post(name, [{"type": "page_view", "url": page}, *[{"type": "rage_click"}] * 4])

    def listed(**filters: str) -> set[str]:
        found: set[str] = set()
        cursor: dict[str, str] = {}
        while True:
            answer = httpx2.get(
                f"{server.base}/v1/sessions",
                params={"page": page, "limit": "2", **filters, **cursor},
                headers={"x-api-key": server.sk},
            )
            assert answer.status_code == 200, answer.text
            rows = answer.json()["sessions"]
            assert len(rows) <= 2
            found |= {row["session"] for row in rows}
            if answer.json()["cursor"] is None:
                return found
            cursor = {"cursor": answer.json()["cursor"]}

    assert listed() == {*calm, *angry}
    assert listed(mood="frustrated") == set(angry)
    assert listed(active="true") == {*calm, *angry}
    assert listed(active="true", mood="frustrated") == set(angry)
    assert listed(active="false") == set()


def test_a_cursor_goes_on_with_its_own_list_only(server: ServerProcess) -> None:
    page = f"/{fresh()}"
    for _ in range(3):
        server.post(fresh(), {"type": "page_view", "url": page})
    cursor = server.get(f"/v1/sessions?page={page}&limit=1").json()["cursor"]
    assert server.get(f"/v1/sessions?page={page}&limit=1&active=1&cursor={cursor}").status_code == 400


@pytest.mark.parametrize(
    "query", ["limit=9999", "limit=0", "limit=x", "cursor=forged", "mood=happy", "active=perhaps"]
)
def test_a_question_that_makes_no_sense_is_refused(server: ServerProcess, query: str) -> None:
    assert server.get(f"/v1/sessions?{query}").status_code == 400


def test_the_timeline_in_pages(server: ServerProcess) -> None:
    session = fresh()
    for kind in ("page_view", "click", "rage_click", "error", "goal"):
        server.post(session, {"type": kind})
    seen, after = [], 0
    while after is not None:
        part = server.get(f"/v1/sessions/{session}/timeline?limit=2&after={after}").json()
        seen += [event["type"] for event in part["events"]]
        after = part["after"]
    assert seen == ["page_view", "click", "rage_click", "error", "goal"]


async def test_erase_takes_everything_and_closes_what_listens(server: ServerProcess) -> None:
    session = fresh()
    headers = {"x-api-key": server.sk}
    async with server.socket(session) as socket:
        await socket.send(CLICK)
        await socket.until("ack")
        assert httpx2.delete(f"{server.base}/v1/sessions/{session}", headers=headers).status_code == 204
        assert (await socket.closed())[0] == 4005
    for path in ("", "/mood", "/timeline"):
        assert server.get(f"/v1/sessions/{session}{path}").status_code == 404
    assert server.post(session, CLICK).json()["mood"]["event_count"] == 1


@pytest.mark.parametrize(
    "path",
    ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/privacy", "/sessionmood.js", "/demo"],
)
def test_no_key_is_needed(server: ServerProcess, path: str) -> None:
    assert httpx2.get(server.base + path).status_code == 200


def test_wait_ends_with_help_that_is_due(server: ServerProcess) -> None:
    """Where sockets are blocked help must come all the same, though neither mood nor events are new."""
    session = fresh()
    server.post(session, [{"type": "rage_click"}] * 5)
    path = f"/v1/sessions/{session}/mood"
    first = server.get(path)
    while "help" not in first.json():
        answer = server.get(f"{path}?wait=20", **{"if-none-match": first.headers["etag"]})
        assert answer.status_code == 200
        first = answer
    again = server.get(path, **{"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


def test_docs_name_every_call_and_every_close_code(server: ServerProcess) -> None:
    page = httpx2.get(f"{server.base}/docs").text
    for path in httpx2.get(f"{server.base}/openapi.json").json()["paths"]:
        assert path in page
    for code in (4001, 4002, 4003, 4004, 4005, 4006, 4009, 4010, 4100, 4101, 4102, 4129, 4200, 4202):
        assert re.search(rf"<td[^>]*>(<code>)?{code}(</code>)?</td>", page)
