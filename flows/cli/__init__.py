"""The `drumbeat` command: words and exit codes only. Each command's module is imported when it is called."""
import gc
import os
import sys
from importlib import import_module

gc.disable()                                                      # starting up makes much and throws nothing away
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")      # a scan of every package for plug-ins takes too long

import click

from schemas.errors import DrumbeatError

_COMMANDS = {
    "init": "beginning", "new": "writing",
    "check": "checking", "explain": "answering", "preview": "previewing",
    "plan": "calendaring", "calendar": "calendaring", "gates": "gauging",
    "up": "running", "rehearsal": "rehearsing", "publish": "publishing",
    "reconcile": "publishing", "resolve": "settling", "withdraw": "withdrawing",
    "status": "watching", "why": "watching", "audit": "auditing", "archive": "auditing", "networks": "networking",
    "connect": "connecting", "sync": "pulling", "hold": "stopping", "resume": "stopping",
    "review": "reviewing", "doctor": "doctoring", "web": "hosting", "serve": "serving",
}
_LONG = frozenset({"up", "rehearsal", "publish", "reconcile", "web"})


class Commands(click.Group):
    """Imports the module of a command when it is asked for: `check` starts without what `up` needs."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        if name in _LONG:
            gc.enable()
            gc.set_threshold(100_000, 20, 100)                    # a plan is many small values that live long
        command: click.Command = getattr(import_module(f"flows.cli.{_COMMANDS[name]}"), f"{name}_command")
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option("0.1.0", prog_name="drumbeat")
def commands() -> None:
    """Social media as code: posts and strategy in Git, published once, with proof.

    \b
    Example: drumbeat check
    """


def main() -> None:
    """Runs one command. Exit codes: 0 done, 1 content, 2 usage, 3 settings, 4 not published, 5 waits for a person."""
    try:
        code = commands.main(standalone_mode=False)
    except DrumbeatError as error:
        from flows.cli.telling import say
        say(f"error: {error.what}")
        say(f"  remedy: {error.remedy}")
        sys.exit(error.exit_code)
    except click.ClickException as error:
        from flows.cli.telling import clean
        vars(error)["message"] = clean(error.message).replace("\n", "\\n")     # it quotes what was typed
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except SystemExit:                                            # so click ends when nobody reads our output any more
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
