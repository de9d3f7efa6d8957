"""connect: an account's credentials are asked for, tried with a harmless call, and kept where only you read them."""

import os
import secrets
import sys
import webbrowser
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urlsplit

import click
from pydantic import SecretStr

import publishers
from flows.check import check
from flows.cli.networking import setup_lines, unknown
from flows.cli.options import REHEARSAL, settings_of, shared, time_of
from flows.cli.telling import hide, say, tell, tell_json
from flows.edges.browser import Return
from flows.edges.credentials import connection_of, given, is_secret, save
from flows.edges.settings import CREDENTIALS, Settings
from flows.edges.tokens import EXPIRES, forget, renewed
from flows.edges.trials import record
from publishers.base import Authorizes, Connection, Identifies, Publisher, Refreshes, Verified, Verifies
from schemas.channel import Channel
from schemas.errors import PublishError, SettingsError, Unauthorized, UsageError
from schemas.world import Trial

Open = Callable[[Mapping[str, str]], Publisher]
UNASKED = Verified(account="nobody can ask this network", warnings=("It is only known when a post goes out.",))
"""Of a network that answers no question: its connection was not tested."""


@click.command("connect", short_help="Set an account up: ask for its credentials, try them, keep them.")
@click.argument("network")
@click.option("--channel", help="Which channel, where several are on that network.")
@click.option("--test", "only_test", is_flag=True, help="Ask for nothing: try the credentials that are there.")
@click.option("--stdin", "from_stdin", is_flag=True,
              help="Read lines FIELD=VALUE instead of asking; they replace what was kept.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8765, show_default=True,
              help="Where the browser comes back to on this machine; the app must name http://127.0.0.1:PORT/.")
@click.option("--rehearse-at", metavar="URL", help="Try it at rehearsal networks (drumbeat rehearsal).")
@shared(now=False)
def connect_command(
    network: str,
    channel: str | None,
    only_test: bool,
    from_stdin: bool,
    port: int,
    rehearse_at: str | None,
    content: str | None,
    as_json: bool,
) -> int:
    """Asks for the credentials of an account, tries them with a call that changes nothing, and keeps them.

    \b
    Example: drumbeat connect mastodon
    """
    if network not in publishers.available():
        raise unknown(network)
    if not (only_test or from_stdin or sys.stdin.isatty()):
        raise UsageError("There is nobody to ask: this is no terminal.", "Give lines FIELD=VALUE with --stdin.")
    settings = settings_of(content)
    if rehearse_at:                                               # what a rehearsal takes is no credential
        settings = settings._replace(credentials=settings.home / REHEARSAL / "credentials.toml")
    asked = _channel(settings, network, channel)
    made = publishers.load(network)
    address = f"{rehearse_at.rstrip('/')}/{network}" if rehearse_at else None

    def opened(fields: Mapping[str, str]) -> Publisher:
        hide(value for name, value in fields.items() if is_secret(name))
        secret = {name: SecretStr(value) for name, value in fields.items()}
        return made(Connection(asked.handle or asked.id, secret, address))

    configured = given(asked, (*made.needs, *made.wants), settings.credentials)
    now_known = renewed(settings.home, connection_of(asked), configured) if only_test else configured
    known = {name: value.get_secret_value() for name, value in now_known.items()}
    if only_test:
        fields = known
    else:
        fields = _from_stdin(made) if from_stdin else _asked(made, known, opened, port)
    try:
        missing = [name for name in made.needs if not fields.get(name)]
        if missing:
            raise SettingsError(f"{asked.id} has no {', '.join(missing)}.", f"'drumbeat networks {network}' says where "
                                "to find each.")
        fields, verified = _tried(fields, opened)
    except SettingsError as error:
        if only_test and not rehearse_at:                         # else what is kept was not tried
            record(settings.home, asked.id, Trial(time_of(settings, None), error.what))
        raise
    if verified is not UNASKED and not rehearse_at:
        record(settings.home, asked.id, Trial(time_of(settings, None)))
    if not only_test:
        file = settings.credentials or settings.home / CREDENTIALS
        save(file, connection_of(asked), {name: value for name, value in fields.items() if value})
        forget(settings.home, connection_of(asked))
    _tell(asked, verified, as_json)
    if not only_test:
        say(f"Kept in {file}, which only you can read.")
        for name in () if rehearse_at else fields:
            if (variable := f"DRUMBEAT_{connection_of(asked)}_{name.upper()}") in os.environ:
                say(f"{variable} is set, and wins over what was kept.")
    return 0


def _channel(settings: Settings, network: str, wanted: str | None) -> Channel:
    """The channel to connect; one that is not in the content yet is taken as it will be called."""
    channels = [one for one in check(settings.content, now=time_of(settings, None)).content.channels.channels
                if one.network == network]
    if wanted is not None:
        chosen = next((one for one in channels if one.id == wanted), None)
        if chosen is None:
            raise UsageError(f"There is no channel '{wanted}' on {network}.",
                             f"There are: {', '.join(one.id for one in channels) or 'none'}.")
        return chosen
    if len(channels) > 1:
        raise UsageError(f"Several channels are on {network}: {', '.join(one.id for one in channels)}.",
                         "Name one with --channel.")
    if not channels:
        say(f"No channel is on {network} yet; add one to networks/channels.yaml: "
            f"- {{id: {network.replace('_', '-')}, network: {network}, handle: …}}")
        return Channel(id=network.replace("_", "-"), network=network)
    return channels[0]


# --- the fields -------------------------------------------------------------------------------------------------------


def _from_stdin(made: type[Publisher]) -> dict[str, str]:
    """Lines FIELD=VALUE from the standard input: for scripts, and for what must not stand in a shell's history."""
    fields: dict[str, str] = {}
    for number, line in enumerate(sys.stdin.read().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, is_field, value = line.partition("=")
        if not is_field or name.strip() not in (*made.needs, *made.wants):
            raise UsageError(f"Line {number} names no field of {made.network}.",
                             f"Write FIELD=VALUE; fields: {', '.join((*made.needs, *made.wants))}.")
        fields[name.strip()] = value.strip()
    return fields


def _asked(made: type[Publisher], known: Mapping[str, str], opened: Open, port: int) -> dict[str, str]:
    """What a person types, or says yes to in a browser."""
    for line in setup_lines(made):
        say(line)
    if hasattr(made, "authorization"):
        say(f"For the browser, the app's redirect address is http://127.0.0.1:{port}/")
    say("")
    fields = {name: value for name, value in known.items() if name != EXPIRES}      # the end of the old one
    browser = hasattr(made, "authorization") and click.confirm(
        "Connect in a browser? (n: type the credentials)", default=True, err=True)
    wanted = made.app_fields if browser else (*made.needs, *(name for name in made.wants if name != EXPIRES))  # type: ignore[attr-defined]
    for name in wanted:
        shown, needed = not is_secret(name), name in made.needs or browser
        fields[name] = click.prompt(f"{name} ({made.setup.fields.get(name, '')}{'' if needed else '; Enter: none'})",
                                    default=fields.get(name, "") if shown or name in fields or not needed else None,
                                    hide_input=not shown, show_default=shown and bool(fields.get(name)), err=True)
    fields = {name: value.strip() for name, value in fields.items() if value and value.strip()}
    if not browser:
        return fields
    publisher = opened(fields)
    assert isinstance(publisher, Authorizes)
    redirect, state, verifier = f"http://127.0.0.1:{port}/", secrets.token_urlsafe(24), secrets.token_urlsafe(64)
    code = _code(publisher.authorization(redirect, state, verifier), state, port)
    try:
        return {**fields, **publisher.exchange(code, redirect, verifier)}
    except PublishError as error:
        raise SettingsError(f"The network did not accept the answer: {error.why}.",
                            f"Is {redirect} one of the app's redirect addresses? Then try again.") from None


def _code(page: str, state: str, port: int) -> str:
    """What the browser brings back from the network's page, or what a person pastes of where it ended up."""
    try:
        server: Return | None = Return(port, state)
    except OSError:                                               # the port is taken
        server = None
    say("Open this page, and say yes there:")
    say(page)
    if server is None:
        return _pasted(state)
    with server:
        webbrowser.open(page)
        say("Waiting for the browser to come back …")
        code = server.code()
    return code if code is not None else _pasted(state)


def _pasted(state: str) -> str:
    said = parse_qs(urlsplit(click.prompt("The address that the browser shows afterwards", err=True)).query)
    if said.get("state") != [state] or "code" not in said:
        raise SettingsError("This is not the answer to our question.", "Begin again: drumbeat connect.")
    return said["code"][0]


# --- the try ----------------------------------------------------------------------------------------------------------


def _tried(given: Mapping[str, str], opened: Open) -> tuple[dict[str, str], Verified]:
    """The fields, with a first token where the network wants one made, and what it says of them."""
    publisher, fields = opened(given), dict(given)
    try:
        if isinstance(publisher, Refreshes) and "access_token" not in fields:
            fields |= publisher.refresh()
            publisher = opened(fields)
        if isinstance(publisher, Verifies):
            verified = publisher.verify()
            if verified.expires_at is not None and EXPIRES in (*publisher.needs, *publisher.wants):
                fields[EXPIRES] = verified.expires_at.isoformat()
            return fields, verified
        if isinstance(publisher, Identifies):
            id = publisher.account_id()
            return fields, Verified(account=id, account_id=id)
    except Unauthorized as error:
        raise SettingsError(f"{publisher.network} refuses these credentials: {error.why}.",
                            f"'drumbeat networks {publisher.network}' says where to find each; nothing was kept."
                            ) from None
    except PublishError as error:
        raise SettingsError(f"{publisher.network} could not be asked: {error.why}.",
                            "Try again later; nothing was kept.") from None
    return fields, UNASKED


def _tell(channel: Channel, verified: Verified, as_json: bool) -> None:
    ends = verified.expires_at.isoformat() if verified.expires_at else None
    if as_json:
        tell_json({"channel": channel.id, "network": channel.network, "connection": connection_of(channel),
                   **verified._asdict(), "expires_at": ends})
        return
    tell(f"{channel.id}: {verified.account}{f' ({verified.account_id})' if verified.account_id else ''}")
    if verified.scopes is not None:
        tell(f"  may: {', '.join(verified.scopes) or 'nothing'}")
    if ends:
        tell(f"  until: {ends}")
    for warning in verified.warnings:
        tell(f"  warning: {warning}")
