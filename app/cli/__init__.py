"""The command line: `sessionmood COMMAND`. Exit codes: 0 done, 1 it failed, 2 it was asked wrongly, 3 (serve only) it
could not start.

Each command loads what it needs when it runs, so that `--help` answers at once.
"""

import os
import sys

from app.errors import SessionMoodError


def main() -> None:
    """Run the command named on the command line, then exit."""
    try:
        if sys.argv[1:] == ["serve"]:
            # As containers start it. There are no options to read, and what reads them takes half of a start's time.
            from app.cli.serving import run

            sys.exit(run())

        from app.cli.commands import app

        app(prog_name="sessionmood")
    except KeyboardInterrupt:
        sys.exit(1)
    except SessionMoodError as error:
        from app.cli.console import say

        say(str(error))
        sys.exit(1)
    except BrokenPipeError:
        # the reader went away (`| head`): nobody is left to tell, and the flush at exit must not fail either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
