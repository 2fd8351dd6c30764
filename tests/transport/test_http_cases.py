"""What clients in the field send, and what they should get: /work/shared/cases/small-http.sh and its kinds."""

import asyncio
import json
from collections.abc import Iterator

import httpx2
import pytest

from tests.support.server import ServerProcess, fresh, running
from tests.support.wire import ask, request

CLICK = b'{"type":"click"}'
MARK = b"\xef\xbb\xbf"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running(tmp_path_factory.mktemp("cases"), SESSIONMOOD_METRICS_TOKEN="") as server:
        yield server


@pytest.mark.parametrize(
    "body",
    [MARK + CLICK, MARK + b"[" + CLICK + b"]", MARK + b' {"events":[' + CLICK + b"]}"],
)
def test_a_byte_order_mark_is_passed_over(server: ServerProcess, body: bytes) -> None:
    assert server.post(fresh(), body).json()["accepted"] == 1


def test_it_is_in_managing_calls_too(server: ServerProcess) -> None:
    made = httpx2.post(
        f"{server.base}/v1/keys",
        content=MARK + b'{"kind":"sk","monthly_sessions":5.0}',
        headers={"x-api-key": server.sk},
    )
    assert (made.status_code, made.json()["monthly_sessions"]) == (201, 5)
    half = httpx2.post(
        f"{server.base}/v1/keys",
        content=b'{"kind":"sk","monthly_sessions":5.5}',
        headers={"x-api-key": server.sk},
    )
    assert (half.status_code, "monthly_sessions" in half.json()["detail"]) == (422, True)


async def test_blanks_around_a_header_are_no_part_of_it(server: ServerProcess) -> None:
    for value in (f"{server.sk} ", f"\t {server.sk} \t "):
        got = await ask(server, request("GET /v1/sessions HTTP/1.1", "host: a \t", f"x-api-key:{value}"))
        assert got[0] == 200
    assert (
        await ask(server, request("GET /v1/keys HTTP/1.1", "host: a", f"authorization: Bearer {server.sk} "))
    )[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/v1/sessions/{id}/mood", "/v1/sessions/{id}", "/v1/sessions", "/livez", "/demo", "/static/demo.css"],
)
def test_head_says_the_length_that_get_has(server: ServerProcess, path: str) -> None:
    server.post("head", CLICK)
    url = server.base + path.replace("{id}", "head")
    headers = {"x-api-key": server.sk, "accept-encoding": "identity"}
    get, head = (httpx2.request(method, url, headers=headers) for method in ("GET", "HEAD"))
    assert (get.status_code, head.status_code, head.content) == (200, 200, b"")
    # a reading tells what time it is, in as many digits
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))


@pytest.mark.parametrize("id", [".", "..", "%2e", "%2E%2e"])
async def test_ids_that_clients_fold_away_are_refused(server: ServerProcess, id: str) -> None:
    key = f"x-api-key: {server.sk}"
    for first in (
        f"POST /v1/sessions/{id}/events",
        f"GET /v1/sessions/{id}",
        f"POST /v1/sessions/{id}/token",
    ):
        whole = request(f"{first} HTTP/1.1", "host: a", key, f"content-length: {len(CLICK)}", body=CLICK)
        status, _, body = await ask(server, whole)
        assert status == 404
        assert b"fold" in body
    async with server.socket(id) as socket:
        assert (await socket.closed())[0] == 4004


@pytest.mark.parametrize("number", ["1.0", "1e0", "10e-1"])
def test_a_whole_number_may_be_written_with_a_fraction(server: ServerProcess, number: str) -> None:
    body = f'{{"producer":"p","seq":{number},"lost":0.0,"events":[{{"type":"click"}}]}}'.encode()
    answer = server.post(fresh(), body)
    assert (answer.status_code, answer.json()["ack"]) == (200, 1)
    refused = server.post(fresh(), body.replace(number.encode(), b"1.5", 1))
    assert (refused.status_code, "seq" in refused.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("body", "index", "says"),
    [
        (b'[{"type":"click"},{"type":"custom","name":"Great \\ud83d"}]', 1, "`name`"),
        (b'{"type":"custom","name":"\\ude00"}', 0, "`name`"),
        (b'{"producer":"p","seq":1,"events":[{"type":"click"},{"type":"a","other":["\\ud83d\\u0041"]}]}', 1, "`other`"),
        (b'[{"type":"custom","name":"\\\\ud83d"},{"type":"a","target":"\\uD83D\\uD83D\\uDE00"}]', 1, "`target`"),
        (b'{"producer":"\\udfff","seq":1,"events":[]}', None, "`producer`"),
    ],
)  # fmt: skip
def test_half_a_character_is_named(server: ServerProcess, body: bytes, index: int | None, says: str) -> None:
    answer = server.post(fresh(), body)
    problem = answer.json()
    assert (answer.status_code, problem.get("index")) == (422, index)
    assert says in problem["detail"]
    assert "half a character" in problem["detail"]


async def test_one_host_and_no_other_way_to_end_a_body(server: ServerProcess) -> None:
    key = f"x-api-key: {server.sk}"
    post = "POST /v1/sessions/h/events HTTP/1.1"
    chunked = b"10\r\n" + CLICK + b"\r\n0\r\n\r\n"
    for first, headers, body, status in (
        ("GET /livez HTTP/1.1", (), b"", 400),
        ("GET /livez HTTP/1.1", ("host: a", "host: b"), b"", 400),
        ("GET /livez HTTP/1.1", ("host: a", "host: a"), b"", 400),
        ("GET /livez HTTP/1.1", ("host: a/b",), b"", 400),
        ("GET /livez HTTP/1.1", ("host: a b",), b"", 400),
        ("GET /livez HTTP/1.1", ("host:",), b"", 200),
        ("GET /livez HTTP/1.0", (), b"", 200),
        ("GET /livez HTTP/2.0", ("host: a",), b"", 400),
        ("GET /livez HTTP/1.1", ("host: [::1]:80", "te: gzip, trailers"), b"", 200),
        (post, ("host: a", key, "transfer-encoding: chunked"), chunked, 200),
        (post, ("host: a", key, "transfer-encoding: gzip, chunked"), chunked, 501),
        (post.replace("1.1", "1.0"), ("host: a", key, "transfer-encoding: chunked"), chunked, 400),
    ):
        got, _, problem = await ask(server, request(first, *headers, body=body))
        assert got == status, (first, headers)
        assert status == 200 or b'"detail"' in problem
    assert (await ask(server, b"\x00\x01\x02\r\n\r\n"))[0] == 400


async def test_a_whole_answer_is_what_its_parts_would_be(server: ServerProcess) -> None:
    """An answer in one piece, and where it can't be: to who speaks HTTP/1.0, to a page, to requests in a row."""
    lines = ("host: a", f"x-api-key: {server.sk}", f"content-length: {len(CLICK)}")
    post = f"POST /v1/sessions/{fresh()}/events HTTP/1."
    whole = await ask(server, request(post + "1", *lines, "connection: close", body=CLICK))
    old = await ask(server, request(post + "0", *lines, body=CLICK))
    page = await ask(
        server, request(post + "1", *lines, "connection: close", "origin: https://a.example", body=CLICK)
    )
    kept = {"content-type", "x-content-type-options", "content-length"}
    for status, headers, body in (whole, old, page):
        assert status == 200
        assert headers["content-type"] == "application/json"
        assert headers["connection"] == "close"
        assert headers.keys() >= kept
        assert int(headers["content-length"]) == len(body)
    assert "access-control-allow-origin" in page[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request(post + "1", *lines, body=CLICK) * 3)
    counts = []
    for _ in range(3):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 200 ok\r\n")
        names = dict(line.split(": ", 1) for line in head.splitlines()[1:-1])
        assert names.keys() == kept
        counts.append(
            json.loads(await reader.readexactly(int(names["content-length"])))["mood"]["event_count"]
        )
    assert counts == [4, 5, 6]
    writer.close()


async def test_nobody_is_sent_where_a_host_header_points(server: ServerProcess) -> None:
    for path in ("/demo/", "/docs/", "/metrics/", "/v1/sessions/", "//demo"):
        status, said, _ = await ask(server, request(f"GET {path} HTTP/1.1", "host: evil.example"))
        assert (status, "location" in said) == (404, False)
    assert (await ask(server, request("GET / HTTP/1.1", "host: evil.example")))[1]["location"] == "/demo"


def test_browsers_are_told_what_pages_may_do(server: ServerProcess) -> None:
    for path in ("/demo", "/docs", "/privacy"):
        headers = httpx2.get(server.base + path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "SAMEORIGIN"
    for path in (
        "/demo",
        "/sessionmood.js",
        "/static/demo.css",
        "/livez",
        "/metrics",
        "/v1/sessions",
        "/nothing",
    ):
        headers = httpx2.get(server.base + path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    for answer in (
        server.post("x", {"type": "click"}),
        server.get("/v1/sessions/x/mood"),
        server.post("x", b"{"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_coding_only_for_who_takes_it(server: ServerProcess) -> None:
    for accept, coding in (
        ("gzip, br", "br"), ("br;q=1.0, GZIP;q=0.5", "br"), ("GZIP", "gzip"), ("gzip;q=0", None), ("identity", None),
        ("xgzip", None), ("br;q=0, gzip; q=0.0", None), ("br;q=0, gzip", "gzip"),
    ):  # fmt: skip
        headers = {"accept-encoding": accept}
        assert (
            httpx2.get(server.base + "/sessionmood.js", headers=headers).headers.get("content-encoding")
            == coding
        )


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/static/%00", {}, 404),
        ("/static/" + "x" * 3000, {}, 404),
        ("/static/..%2fapp/clock.py", {}, 404),
        ("/sessionmood-%00.js", {}, 404),
        ("/sessionmood-" + "x" * 3000 + ".js", {}, 404),
        ("/" + "x" * 3000, {}, 404),
        ("/v1/sessions/" + "x" * 3000, {}, 400),
        ("/metrics", {"accept": "application/openmetrics-text;version=x;escaping"}, 200),
        ("/metrics", {"accept": ";;=,,q=q"}, 200),
        ("/static/demo.css", {"range": "bytes=" + "9" * 5000 + "-"}, 400),
        ("/v1/sessions/head/mood", {"if-none-match": '"' + "1" * 5000 + '.1"'}, 200),
        ("/v1/sessions/head/mood?wait=" + "9" * 5000, {}, 400),
    ],
    ids=lambda value: str(value)[:30],
)
def test_never_a_traceback_for_a_stranger(
    server: ServerProcess, path: str, headers: dict[str, str], status: int
) -> None:
    server.post("head", CLICK)
    got = httpx2.get(server.base + path, headers={"x-api-key": server.sk, **headers})
    assert got.status_code == status
    assert "Traceback" not in server.output()
