"""The tools on trial: how each gets into a page, how long its verdict takes, and how to read what it reports.

A report is a Verdict: counts of what the tool told about one visit. `slow`: it said that an answer took long.
"""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import msgspec

Sent = list[tuple[str, bytes]]


class Verdict(msgspec.Struct):
    """What a tool told about one visit. Only ours has `answered` (longest wait in ms), `card` (ms from the release
    of the last press to the help card, null where none was shown) and `mood`."""

    dead: int = 0
    rage: int = 0
    error: int = 0
    slow: int = 0
    answered: float | None = None
    card: float | None = None
    mood: str = ""


@dataclass(frozen=True)
class Tool:
    """`tag` goes into the head. `settle`: seconds from the last act until its verdict is out, by its documented
    windows. `read`: from what it sent to a Verdict. `can`: the kinds it has at all."""

    name: str
    package: str
    tag: str
    settle: float
    read: Callable[[Sent], Verdict]
    can: tuple[str, ...]
    note: str = ""
    answer: Callable[[str], tuple[str, str]] = field(default=lambda rest: ("{}", "application/json"))


def _sdk(name: str) -> str:
    return f'<script>window.gallerySink = "{{sink}}"</script><script src="/build/sdk-{name}.js"></script>'


def _objects(sent: Sent) -> Iterator[Any]:
    """Every JSON value in what was sent: whole bodies, lines, form fields (`data=`), base64."""
    for _, body in sent:
        text = body.decode(errors="replace")
        found = False
        for piece in [text, *text.splitlines()]:
            try:
                yield json.loads(piece)
                found = True
            except ValueError:
                continue
        if not found and "data=" in text:
            for data in parse_qs(text).get("data", []):
                try:
                    yield json.loads(data)
                except ValueError:
                    yield json.loads(base64.b64decode(data))


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _walk(each)
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each)


def _records(sent: Sent, key: str) -> list[dict[str, Any]]:
    """Objects that have `key`, each once however often it was sent."""
    seen: dict[str, dict[str, Any]] = {}
    for whole in _objects(sent):
        for each in _walk(whole):
            if key in each:
                seen[json.dumps(each, sort_keys=True)] = each
    return list(seen.values())


def _named(key: str, dead: str, rage: str, error: str = "-") -> Callable[[Sent], Verdict]:
    def read(sent: Sent) -> Verdict:
        names = [str(each[key]) for each in _records(sent, key)]
        return Verdict(dead=names.count(dead), rage=names.count(rage), error=names.count(error))

    return read


def _datadog(sent: Sent) -> Verdict:
    latest: dict[str, list[str]] = {}
    for each in _records(sent, "action"):
        action = each["action"]
        if isinstance(action, dict) and "frustration" in action:
            latest[str(action.get("id"))] = action["frustration"].get("type", [])
    kinds = [kind for kinds in latest.values() for kind in kinds]
    return Verdict(kinds.count("dead_click"), kinds.count("rage_click"), kinds.count("error_click"))


def _sentry(sent: Sent) -> Verdict:
    verdict = Verdict()
    for each in _records(sent, "category"):
        data = each.get("data") or {}
        if each["category"] == "ui.slowClickDetected":
            if data.get("endReason") == "timeout":
                verdict.dead += 1
            else:
                verdict.slow += 1
            verdict.rage += data.get("clickCount", 0) >= 3
        elif each["category"] == "ui.multiClick":
            verdict.rage += 1
    return verdict


def _splunk(sent: Sent) -> Verdict:
    kinds = [
        each.get("value", {}).get("stringValue")
        for each in _records(sent, "key")
        if each["key"] == "frustration_type"
    ]
    return Verdict(dead=kinds.count("dead"), rage=kinds.count("rage"), error=kinds.count("error"))


def _newrelic(sent: Sent) -> Verdict:
    actions = [each for each in _records(sent, "eventType") if each["eventType"] == "UserAction"]
    return Verdict(
        dead=sum(bool(each.get("deadClick")) for each in actions),
        rage=sum(bool(each.get("rageClick")) for each in actions),
        error=sum(bool(each.get("errorClick")) for each in actions),
    )


def _newrelic_flags(rest: str) -> tuple[str, str]:
    """What New Relic's collector answers to the first call: what is on, and its clock."""
    if not re.match(r"(rum/)?[12]/", rest):
        return "{}", "application/json"
    on = dict.fromkeys(("st", "err", "ins", "spa", "loaded"), 1)
    app = {"agents": [{"entityGuid": "gallery"}], "nrServerTime": round(time.time() * 1000)}
    return json.dumps({**on, "sr": 0, "sts": 0, "srs": 0, "log": 0, "app": app}), "application/json"


def _posthog_config(rest: str) -> tuple[str, str]:
    """A project whose settings switch on what the page asks for."""
    on = {
        "autocapture_opt_out": False,
        "captureDeadClicks": True,
        "supportedCompression": [],
        "hasFeatureFlags": False,
    }
    return json.dumps({**on, "featureFlags": {}, "flags": {}, "status": 1}), "application/json"


def _ours(sent: Sent) -> Verdict:
    """The session's timeline, as the server has it."""
    verdict = Verdict()
    for each in (event for _, body in sent for event in json.loads(body)["events"]):
        kind = each["type"]
        if kind == "dead_click":
            verdict.dead += 1
        elif kind == "rage_click":
            verdict.rage += 1
        elif kind == "error":
            verdict.error += 1
        elif kind == "response" and each.get("kind") != "unknown":
            verdict.answered = max(verdict.answered or 0.0, float(each.get("value") or 0))
    verdict.slow = int((verdict.answered or 0) >= 1000)
    return verdict


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("none", "", "", 1.2, lambda sent: Verdict(), (), "no tool: looks whether the items are true"),
        Tool(
            "sessionmood", "sessionmood",
            '<script async src="{server}/sessionmood.js" data-key="{key}"></script>',
            7.0, _ours, ("dead", "rage", "slow", "card"),
        ),
        Tool("posthog", "posthog-js", _sdk("posthog"), 5.5,
             _named("event", "$dead_click", "$rageclick"), ("dead", "rage"), answer=_posthog_config),
        Tool("datadog", "@datadog/browser-rum", _sdk("datadog"), 3.5, _datadog, ("dead", "rage", "error")),
        Tool("sentry", "@sentry/browser", _sdk("sentry"), 9.0, _sentry, ("dead", "rage", "slow")),
        Tool("amplitude", "@amplitude/analytics-browser", _sdk("amplitude"), 5.0,
             _named("event_type", "[Amplitude] Dead Click", "[Amplitude] Rage Click", "[Amplitude] Error Click"),
             ("dead", "rage", "error")),
        Tool("splunk", "@splunk/otel-web", _sdk("splunk"), 4.0, _splunk, ("dead", "rage", "error")),
        Tool("mixpanel", "mixpanel-browser", _sdk("mixpanel"), 2.5,
             _named("event", "$mp_dead_click", "$mp_rage_click"), ("dead", "rage")),
        Tool("newrelic", "@newrelic/browser-agent", _sdk("newrelic"), 4.0, _newrelic,
             ("dead", "rage", "error"), answer=_newrelic_flags),
    )
}  # fmt: skip
PEERS = tuple(name for name in TOOLS if name not in ("none", "sessionmood"))
