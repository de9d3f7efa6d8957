"""web: the pages and the push hook alone; `up` has them too."""
import sys

import click

from flows.cli.options import archive_of, settings_of, shared, time_of
from flows.cli.telling import keep_a_log, say, tell_json


@click.command("web", short_help="The calendar page and the hook that pushes reach, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65_535), default=4281, show_default=True, help="Where it listens.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Who reaches it: 0.0.0.0 for every computer.")
@click.option("--hook-only", is_flag=True, help="No pages: only /hook and /health.")
@shared(archive=True, now=False)
def web_command(port: int, host: str, hook_only: bool, content: str | None, archive: str | None,
                as_json: bool) -> int:
    """The calendar page at /, its feed at /calendar.ics, figures at /metrics, and the hook for your forge at /hook.

    Pages are for this computer only, until DRUMBEAT_WEB_TOKEN is set. The hook takes pushes that are signed with
    DRUMBEAT_HOOK_SECRET: give your forge the same secret, the address ending in /hook, and JSON as content type.

    \b
    Example: drumbeat web --port 4281
    """
    from flows.web.listening import Web
    from flows.web.looking import Looker

    settings = settings_of(content)
    where = archive_of(settings, archive)
    looker = Looker(settings, where.url, lambda: time_of(settings, None, rehearsal=where.rehearsal),
                    rehearsal=where.rehearsal)
    web = Web(settings, looker, host=host, port=port, hook_only=hook_only)

    def ready(url: str) -> None:
        addresses = {"hook": f"{url}/hook", "health": f"{url}/health"} | ({} if hook_only else {"calendar": f"{url}/"})
        if as_json:
            tell_json(addresses)
            sys.stdout.flush()
        else:
            for name, address in addresses.items():
                say(f"{name}: {address}")

    keep_a_log()
    web.run(ready)
    return 0
