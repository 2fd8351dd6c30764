"""The files that deploy the service, each read by what it is written for."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from app.config.settings import Settings
from tests.deploy.container import Container
from tests.deploy.proxies import DEPLOY, nginx_files, program, seconds
from tests.support.server import ROOT, free_port, wait_until

BIN = Path(sys.executable).parent


def run(*command: object, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": f"{BIN}:{os.environ['PATH']}:/usr/sbin", **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_dockerfile_is_without_fault() -> None:
    assert run("hadolint", ROOT / "Dockerfile") == ""


def test_compose_knows_every_word_of_compose_yaml() -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml")


def test_kubernetes_knows_every_word_of_its_file() -> None:
    run("kubernetes-validate", "--strict", DEPLOY / "kubernetes.yaml")


def test_systemd_knows_every_word_of_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing (Debian: apt-get install systemd)")
    text = (DEPLOY / "sessionmood.service").read_text()
    assert "/opt/sessionmood/bin/sessionmood serve" in text
    unit = tmp_path / "sessionmood.service"
    unit.write_text(text.replace("/opt/sessionmood/bin/sessionmood", str(BIN / "sessionmood")))
    assert "sessionmood.service" not in run("systemd-analyze", "verify", unit)


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    said = run(program("nginx"), "-t", "-p", tmp_path, "-c", nginx_files(tmp_path, free_port(), [8000]))
    assert "test is successful" in said


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    file = DEPLOY / "Caddyfile"
    run(program("caddy"), "validate", "--adapter", "caddyfile", "--config", file, HOME=str(tmp_path))
    assert run(program("caddy"), "fmt", file, HOME=str(tmp_path)) == file.read_text()


def test_no_proxy_cuts_a_silent_socket_off() -> None:
    """The service pings after `ping_interval` of silence: time-outs are twice that and more."""
    twice = 2 * Settings().ping_interval
    nginx = (DEPLOY / "nginx.conf").read_text()
    for name in ("proxy_read_timeout", "proxy_send_timeout"):
        assert seconds(nginx, name) > twice
    *_, ingress = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    for name in ("read", "send"):
        assert (
            float(ingress["metadata"]["annotations"][f"nginx.ingress.kubernetes.io/proxy-{name}-timeout"])
            > twice
        )
    traefik = (DEPLOY / "traefik.yaml").read_text()
    assert "idleTimeout: 180s" in traefik
    assert (
        yaml.safe_load(traefik)["http"]["services"]["sessionmood"]["loadBalancer"]["healthCheck"]["path"]
        == "/readyz"
    )


def test_who_stops_a_node_gives_it_the_time_that_it_takes() -> None:
    grace = Settings().drain_grace
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    for name in ("node-1", "node-2"):
        assert float(compose["services"][name]["stop_grace_period"].removesuffix("s")) > grace
    deployment = next(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    pod = deployment["spec"]["template"]["spec"]
    wait = before_stop(pod)
    assert wait >= 1
    assert pod["terminationGracePeriodSeconds"] > wait + grace
    assert float(unit("TimeoutStopSec")) > grace


def before_stop(pod: Any) -> float:
    """How long the command takes that Kubernetes runs first, which is run."""
    command = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    seen = subprocess.run(
        [sys.executable, *command[1:2], "import time; time.sleep = print; " + command[2]],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(seen.stdout)


def unit(name: str) -> str:
    lines = (DEPLOY / "sessionmood.service").read_text().splitlines()
    return next(line.split("=", 1)[1] for line in lines if line.startswith(f"{name}="))


def test_what_the_files_set_are_settings() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    deployment = next(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    said = {
        name: value
        for entry in container["env"]
        if (name := entry["name"])
        for value in [entry.get("value", "")]
    }
    for names in (compose["services"]["node-1"]["environment"], said):
        from_env = {name: value for name, value in names.items() if name.startswith("SESSIONMOOD_")}
        assert Settings.from_env(from_env).log_format == "json"
        assert names.keys() >= {"DATABASE_URL", "REDIS_URL"}


@pytest.mark.slow
def test_the_image_is_built_serves_and_stops(tmp_path: Path) -> None:
    """Each command of the Dockerfile is carried out, then the image's own, its health check and its stop signal."""
    if shutil.which("cc") is None:
        pytest.skip("a C compiler is missing (Debian: apt-get install gcc)")
    container = Container(tmp_path)
    assert len(container.ran) == 7, container.ran
    assert container.user.isdigit()
    assert container.user != "0"
    assert container.ports == [container.environment["PORT"]]
    port = free_port()
    process = container.run([*container.entrypoint, *container.command], PORT=str(port))
    try:
        base = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(base), 30, "the start")
        assert container.run(container.healthcheck, PORT=str(port)).wait(20) == 0
        assert (tmp_path / "data" / "sessionmood.db").exists()
        assert 'engine="compiled"' in httpx2.get(f"{base}/metrics").text
        process.send_signal(getattr(signal, container.stop_signal))
        assert process.wait(40) == 0
        assert container.run(container.healthcheck, PORT=str(port)).wait(20) != 0
    finally:
        process.kill()
        process.wait()


def _answers(base: str) -> bool:
    try:
        return httpx2.get(f"{base}/readyz", timeout=2).status_code == 200
    except httpx2.TransportError:
        return False
