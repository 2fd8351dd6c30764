"""Variables of the environment that look like settings and are none."""

import dataclasses
import difflib
import re
from collections.abc import Mapping
from typing import Final

from app.config.settings import Settings

#: Names that commands read besides the settings.
_OF_COMMANDS: Final = ("SESSIONMOOD_KEY",)
#: What Kubernetes sets for a service that is called sessionmood.
_KUBERNETES: Final = re.compile(
    r"SESSIONMOOD_(?:[A-Z0-9_]+_)?(?:SERVICE_(?:HOST|PORT)(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)"
)


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that looks like a setting and is none, with what was probably meant."""
    known = [*(field.metadata["env"] for field in dataclasses.fields(Settings)), *_OF_COMMANDS]
    found = []
    for name, value in sorted(environ.items()):
        if re.match(r"SESSION_?MOOD", name) is None or name in known or _KUBERNETES.fullmatch(name):
            continue
        bare = "SESSIONMOOD_" + re.sub(r"^SESSION_?MOOD_?", "", name)
        if name == "SESSIONMOOD_PORT":
            if "://" in value:
                continue  # Kubernetes again
            meant = ["PORT"]
        elif name == "SESSIONMOOD_DATABASE_URL":
            meant = ["DATABASE_URL"]
        else:
            meant = difflib.get_close_matches(bare, known, 1, 0.75)
        hint = f": did you mean {meant[0]}?" if meant else ""
        found.append(f"{name} is set, but there is no such setting{hint}")
    return found
