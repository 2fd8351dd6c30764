"""Compile what `app/compiled.py` names with mypyc into `build/compiled`. Needs a C compiler."""

import contextlib
import os
import shutil
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys._xoptions["plain"] = True

from app.compiled import BUILT, FLAGS, SOURCES, STAMP, fingerprint  # noqa: E402


def main() -> int:
    os.chdir(ROOT)
    with contextlib.suppress(OSError):
        if STAMP.read_text() == fingerprint():
            return 0
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
        print(f"No C compiler ({compiler}) or no Python headers: the service stays plain Python.")
        return 0
    from mypyc.build import mypycify
    from setuptools import Distribution

    print("Compiling the hot path (once; 40 to 60 s of CPU time) ...", flush=True)
    made_from = fingerprint()
    scratch = ROOT / "build" / "scratch"
    shutil.rmtree(BUILT, ignore_errors=True)
    os.environ.setdefault("CFLAGS", FLAGS)
    sources = [str(path.relative_to(ROOT)) for path in SOURCES]
    modules = mypycify(sources, opt_level="2", debug_level="0", target_dir=str(scratch / "c"))
    build = Distribution({"name": "sessionmood", "ext_modules": modules}).get_command_obj("build_ext")
    build.build_lib, build.build_temp = str(BUILT), str(scratch)
    build.ensure_finalized()
    with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
        build.run()
    STAMP.write_text(made_from)
    shutil.rmtree(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
