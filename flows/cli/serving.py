"""serve: what Prefect shows and does, brought to its server; the work is done by a process that imports Prefect."""
import os
import signal
import subprocess
import sys

import click

from flows.cli.options import archive_of, settings_of, shared
from flows.cli.telling import clean, say
from flows.edges.prefect_health import ask
from schemas.errors import SettingsError, UsageError

_LONGEST = 2_000


@click.command("serve", short_help="Deployments, schedules and automations for a Prefect server.")
@click.option("--apply", "apply_only", is_flag=True, help="Bring them to the server for workers, and end.")
@click.option("--notify", multiple=True, metavar="URL",
              help="Whom to tell: a web address, mailtos://…, any of Apprise, or a block like slack-webhook/ops.")
@shared(archive=True, now=False, json=False)
def serve_command(apply_only: bool, notify: tuple[str, ...], content: str | None, archive: str | None) -> int:
    """Brings all that Prefect runs for us to the server of PREFECT_API_URL, then runs it here until Ctrl-C.

    With --apply workers run it: prefect worker start --pool drumbeat. The same twice changes nothing; what is not ours
    is not touched. Addresses may stand in DRUMBEAT_NOTIFY too, where nobody sees them in a list of processes.

    \b
    Example: drumbeat serve --apply
    """
    address = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    if not address:
        raise SettingsError("No Prefect server is named.",
                            "Set PREFECT_API_URL, like http://127.0.0.1:4200/api; 'drumbeat up' starts one by itself.")
    if any(len(one) > _LONGEST or clean(one) != one or " " in one for one in notify):
        raise UsageError("--notify: that is no address.", "Write a web address, mailtos://…, or KIND/NAME of a block.")
    settings = settings_of(content)
    where = archive_of(settings, archive, rehearse=False)
    answer = ask(f"{address}/health", {})
    if answer.status is None and answer.said.endswith("Timeout"):  # Prefect's own client waits minutes, without a word
        raise SettingsError(f"Prefect's server does not answer ({answer.said}).", "Start it, or mend PREFECT_API_URL.")
    home = settings.home / ".drumbeat"
    home.mkdir(parents=True, exist_ok=True)
    told = " ".join((*notify, os.environ.get("DRUMBEAT_NOTIFY", ""))).strip()
    environment = {**os.environ, "DRUMBEAT_CONTENT": str(settings.content.absolute()), "DRUMBEAT_ARCHIVE": where.url,
                   "DRUMBEAT_NOTIFY": told}
    child = subprocess.Popen([sys.executable, "-P", "-m", "flows.serve", *(["--apply"] if apply_only else [])],
                             cwd=home, env=environment, stdin=subprocess.PIPE, start_new_session=True)

    def end(*_: object) -> None:
        child.terminate()

    before = {name: signal.signal(name, end) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        code = child.wait()
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
    if code not in (0, 3):
        say(f"error: the process that serves ended with exit code {code}; its words are above.")
    return 3 if code else 0
