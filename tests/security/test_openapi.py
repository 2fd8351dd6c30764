"""The description of the API, and schemathesis over it: no 5xx, nothing undocumented."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.checks import content_type_conformance

from app.config.settings import Settings
from app.transport.pages.openapi import document
from app.web import create_app
from tests.support.server import ServerProcess, running

SCHEMA = schemathesis.openapi.from_dict(document())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One whose refusals are not held back: here everything is tried on purpose."""
    with running(tmp_path_factory.mktemp("described")) as server:
        server.post("known", [{"type": "click"}, {"type": "page_view", "url": "/a"}])
        yield server


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_answered_is_what_is_described(case: Any, described: ServerProcess) -> None:
    case.headers = {**(case.headers or {}), "x-api-key": described.sk}
    with contextlib.suppress(ValueError, TypeError, KeyError):
        if 0.1 < float(case.query["wait"]) <= 86_400:
            case.query["wait"] = 0.1  # what is held is held for long: another test's matter
    case.call_and_validate(base_url=described.base, checks=CHECKS)


def test_the_known_answers_fit_too(described: ServerProcess) -> None:
    headers = {"x-api-key": described.sk}
    for path, template in (
        ("/v1/sessions/known/mood", "/v1/sessions/{id}/mood"),
        ("/v1/sessions", "/v1/sessions"),
        ("/v1/sessions/known", "/v1/sessions/{id}"),
        ("/v1/sessions/known/timeline", "/v1/sessions/{id}/timeline"),
        ("/v1/keys", "/v1/keys"),
        ("/privacy", "/privacy"),
    ):
        answer = httpx2.get(described.base + path, headers={**headers, "accept": "application/json"})
        assert answer.status_code == 200
        SCHEMA[template]["GET"].validate_response(answer)


def test_every_call_is_described(tmp_path: Path) -> None:
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/x.db"))
    served = {
        (method.lower(), re.sub(r":\w+}", "}", route.path))  # type: ignore[attr-defined]
        for route in app.other.routes
        for method in route.methods  # type: ignore[attr-defined]
        if method not in ("HEAD", "OPTIONS") and route.path.startswith("/v1/")  # type: ignore[attr-defined]
    }
    described = {(method, path) for path, methods in document()["paths"].items() for method in methods}
    assert served <= described
    assert {("post", "/v1/sessions/{id}/events"), ("get", "/v1/sessions/{id}/mood")} <= described


def test_it_is_served(described: ServerProcess) -> None:
    answer = httpx2.get(f"{described.base}/openapi.json")
    assert answer.json()["openapi"] == "3.1.0"
    assert "WireEvent" in answer.json()["components"]["schemas"]
