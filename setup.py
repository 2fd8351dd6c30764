"""What pyproject.toml can't say: a wheel takes what browsers load along, as app/static."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithStatic(build_py):
    """An editable install reads static/ where it is."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        shutil.copytree("static", Path(self.build_lib) / "app" / "static", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithStatic})
