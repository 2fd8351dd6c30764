"""nginx and Caddy as Debian ships them, with the files of deploy/."""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.server import ROOT, free_port, wait_until

DEPLOY = ROOT / "deploy"


def program(name: str) -> str:
    """Where a proxy is. A test that needs it is left out where it is missing, with the reason."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(
            f"{name} is missing (Debian: apt-get install {'nginx-light' if name == 'nginx' else name})"
        )
    return found


def nginx_files(folder: Path, port: int, nodes: list[int]) -> Path:
    """deploy/nginx.conf with the test's ports, and the least that must stand around it."""
    text = (DEPLOY / "nginx.conf").read_text().replace("listen 80;", f"listen 127.0.0.1:{port};")
    line = next(line for line in text.splitlines() if line.strip().startswith("server 127.0.0.1:8000"))
    text = text.replace(line, "\n".join(line.replace("8000", str(node)) for node in nodes))
    (folder / "sessionmood.conf").write_text(text)
    main = folder / "nginx.conf"
    main.write_text(f"""
        user root;
        daemon off;
        worker_processes 1;
        pid {folder}/pid;
        error_log {folder}/error.log;
        events {{ worker_connections 512; }}
        http {{
            access_log off;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
            include {folder}/sessionmood.conf;
        }}
    """)
    return main


@contextlib.contextmanager
def proxy(name: str, folder: Path, nodes: list[int]) -> Iterator[int]:
    """A running proxy in front of these ports of 127.0.0.1; its own port."""
    found, port = program(name), free_port()
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    if name == "nginx":
        command = [found, "-p", str(folder), "-c", str(nginx_files(folder, port, nodes))]
    else:
        # its own administration's port would be the same for two tests at a time
        text = "{\n\tadmin off\n}\n" + (DEPLOY / "Caddyfile").read_text()
        # before 2.7 a body that was not buffered cannot go to a second node (docs/deploying.md)
        if subprocess.check_output([found, "version"]).startswith((b"2.6", b"v2.6")):
            text = text.replace("\t\tlb_try_duration", "\t\tbuffer_requests\n\t\tlb_try_duration")
        (folder / "Caddyfile").write_text(text)
        command = [found, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
        environment["SITE"] = f"http://:{port}"
        environment["NODES"] = " ".join(f"127.0.0.1:{node}" for node in nodes)
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers(process, port, folder), 30, f"{name}'s start")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> bool:
    assert process.poll() is None, (folder / "proxy.log").read_text()
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
    except httpx2.TransportError:
        return False


def seconds(text: str, name: str) -> float:
    """A time-out of nginx's."""
    return float(re.search(rf"^\s*{name} (\d+)s;", text, re.M)[1])  # type: ignore[index]
