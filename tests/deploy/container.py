"""Carries a Dockerfile out without containers: its COPYs as copies, its RUNs as commands, under a folder that stands
for the image's root.

What only changes the system (packages, users) is left out. Both virtual environments see what this machine's has
installed, so that `pip install` checks the lock files' names and hashes and then finds everything there.
"""

import json
import os
import re
import shlex
import shutil
import site
import subprocess
import sys
from pathlib import Path

from dockerfile_parse import DockerfileParser

from tests.support.server import ROOT

#: Commands that only root of a real container can carry out.
SYSTEM = ("apt-get", "useradd")


class Container:
    """What the Dockerfile's last stage says, and a root that all of its stages were built into."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workdir = "/"
        self.environment: dict[str, str] = {}
        self.user = ""
        self.stop_signal = ""
        self.ports: list[str] = []
        self.entrypoint: list[str] = []
        self.command: list[str] = []
        self.healthcheck: list[str] = []
        self.ran: list[str] = []
        parser = DockerfileParser(path=str(ROOT))
        for step in parser.structure:
            if step["instruction"] != "COMMENT":
                self._take(step["instruction"], step["value"])

    def path(self, inside: str) -> Path:
        """Where a path of the image lies on this machine."""
        return self.root / os.path.normpath(os.path.join(self.workdir, inside)).lstrip("/")

    def mapped(self, text: str) -> str:
        """`text` with the image's folders as this machine's."""
        return re.sub(r"(?<![\w.])/(opt|sessionmood|data)\b", lambda m: f"{self.root}/{m[1]}", text)

    def run(self, command: list[str], **more: str) -> subprocess.Popen[bytes]:
        """Start a command as the image would: its environment, its user's folder."""
        return subprocess.Popen(
            [self.mapped(part) for part in command], cwd=self.path("."), env=self._environment(**more)
        )

    def _environment(self, **more: str) -> dict[str, str]:
        said = {name: self.mapped(value) for name, value in self.environment.items()}
        path = said.pop("PATH", "$PATH").replace("$PATH", os.environ["PATH"])
        return {
            "PATH": path,
            "HOME": str(self.root),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_QUIET": "1",
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            **said,
            **more,
        }

    def _take(self, instruction: str, value: str) -> None:
        match instruction:
            case "FROM":
                self.workdir, self.environment = "/", {}
                assert re.fullmatch(r"python:3\.\d+-slim-\w+( AS \w+)?", value), value
            case "WORKDIR":
                self.workdir = value
                self.path(".").mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(shlex.split(value))
            case "RUN":
                self._run(value)
            case "ENV":
                self.environment |= dict(pair.split("=", 1) for pair in shlex.split(value))
            case "USER":
                self.user = value
            case "STOPSIGNAL":
                self.stop_signal = value
            case "EXPOSE":
                self.ports = value.split()
            case "VOLUME":
                self.path(value).mkdir(parents=True, exist_ok=True)
            case "HEALTHCHECK":
                self.healthcheck = json.loads(value.split("CMD", 1)[1])
            case "ENTRYPOINT":
                self.entrypoint = json.loads(value)
            case "CMD":
                self.command = json.loads(value)
            case _:
                raise AssertionError(f"what does {instruction} do?")

    def _copy(self, words: list[str]) -> None:
        if words[0].startswith("--from="):
            for source in words[1:-1]:
                assert self.path(source).exists(), f"no stage made {source}"
            return
        *sources, target = words
        for source in sources:
            here = ROOT / source
            there = self.path(target) / here.name if target.endswith("/") else self.path(target)
            if here.is_dir():
                shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
            else:
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(here, there)

    def _run(self, value: str) -> None:
        for command in (part.strip() for part in value.split("&&")):
            if command.startswith(SYSTEM) or "/var/lib/apt" in command or command.startswith("install -d"):
                continue
            if "compile_app" in command:
                self._take_what_is_compiled()
            subprocess.run(
                self.mapped(command.replace("python -m venv", f"{sys.executable} -m venv --without-pip")),
                shell=True,  # as a Dockerfile's RUN is
                cwd=self.path("."),
                env=self._environment(),
                check=True,
                timeout=300,
            )
            self.ran.append(command)
            if (made := re.fullmatch(r"python -m venv (\S+)", command)) is not None:
                self._see_this_machines_packages(self.path(made[1]))

    def _see_this_machines_packages(self, environment: Path) -> None:
        (packages,) = environment.glob("lib/python*/site-packages")
        (packages / "here.pth").write_text("\n".join(site.getsitepackages()))
        pip = environment / "bin" / "pip"
        pip.write_text(f'#!/bin/sh\nexec {environment}/bin/python -m pip "$@"\n')
        pip.chmod(0o755)

    def _take_what_is_compiled(self) -> None:
        """Made from the same sources by the same Python it counts; else the command compiles."""
        built = ROOT / "build" / "compiled"
        if built.exists():
            shutil.copytree(built, self.path("build/compiled"))
