"""Where the files are that browsers load."""

from pathlib import Path
from typing import Final

_APP: Final = Path(__file__).resolve().parents[2]
#: Beside the package in a checkout, within it in a wheel (setup.py).
STATIC: Final = next(
    (folder for folder in (_APP / "static", _APP.parent / "static") if folder.is_dir()), _APP / "static"
)
