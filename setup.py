"""What pyproject.toml can't say: a wheel takes what browsers load along, as app/static."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SERVED = ("*.html", "*.css", "*.js", "*.svg", "*.png")


class BuildWithStatic(build_py):
    """An editable install reads static/ where it is."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "app" / "static"
        target.mkdir(parents=True, exist_ok=True)
        for pattern in SERVED:
            for file in Path("static").glob(pattern):
                shutil.copy(file, target)


setup(cmdclass={"build_py": BuildWithStatic})
