"""Whoever has to answer when a post is due is asked beforehand: each account, and the system where contacts end up.

Nothing is posted. A credential that is due is renewed as a publisher would, under the same lease.
"""
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import publishers
from flows.edges.accounts import Bound, bind
from flows.edges.credentials import connection_of, given
from flows.edges.settings import Settings
from flows.edges.store import Store
from flows.edges.tokens import LEASE_S, Fields, expiry, renewed
from flows.foresee import foresee
from flows.planning.preparing import Prepared
from publishers.base import Identifies, Publisher, Verified, Verifies
from schemas.channel import Channel
from schemas.errors import PublishError, RateLimited, SettingsError, StoreError, Unauthorized
from schemas.finding import Finding
from schemas.report import rfc3339
from schemas.strategy import Crm

_ONE_TIME = "refresh_token"
_CRM_FIELDS = ("url", "token")
_PATIENCE_S = 12.0


class OnlyLooking:
    """A store that nothing is written to: what would be created is taken for created."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def create(self, key: str, body: bytes) -> bool:  # noqa: ARG002
        return True


# --- accounts ---------------------------------------------------------------------------------------------------------


def account(channel: Channel, prepared: Prepared, settings: Settings, *, store: Store | None,
            connect: Callable[[Channel], Publisher] | None, now: datetime, rehearsal: bool,
            environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """All about one channel. `connect` None: nobody is called. `store` None: there is no archive yet."""
    made, again = publishers.load(channel.network), _connect(channel)
    if not rehearsal:
        fields = _fields(channel, made, settings, environment)
        if isinstance(fields, Finding):
            yield fields
            return
        if (stale := _renewed_elsewhere(channel, fields, settings, store)) is not None:
            yield stale
            return
    if connect is None:
        ends = list(_ends(channel, prepared, settings, None, now, environment))
        yield from ends or [Finding("skipped", "credentials are there; it was not called")]
        return
    try:
        publisher = connect(channel)
        verified = asked(publisher)
        if verified is None:
            yield Finding("skipped", f"{channel.network} cannot be asked: whether it works shows when a post goes out")
            return
        if store is not None and isinstance(publisher, Identifies):
            yield from _another_account(channel, verified.account_id or publisher.account_id(), store)
    except SettingsError as error:
        yield Finding("error", error.what, again)
        return
    except RateLimited as error:
        yield Finding("warning", f"{channel.network} asks to wait: {error.why}.", "Run this again later.")
        return
    except Unauthorized as error:
        yield Finding("error", f"{channel.network} refuses the credentials: {error.why}.", again)
        return
    except PublishError as error:
        yield Finding("error", f"{channel.network} could not be asked: {error.why}.",
                      "See whether it answers from this machine; what is due waits, and is missed after its grace.")
        return
    yield from _permissions(verified)
    if not rehearsal:
        yield from _ends(channel, prepared, settings, verified.expires_at, now, environment)
    may = f"; may {', '.join(verified.scopes)}" if verified.scopes else ""
    until = f"; until {rfc3339(verified.expires_at)}" if verified.expires_at else ""
    yield Finding("ok", f"{verified.account}{may}{until}")


def has_credentials(channel: Channel, settings: Settings, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether anything at all is set for the channel. A file that cannot be read counts: somebody made it."""
    made = publishers.load(channel.network)
    try:
        return bool(given(channel, (*made.needs, *made.wants), settings.credentials, environment))
    except SettingsError:
        return True


def asked(publisher: Publisher) -> Verified | None:
    """What a harmless call says of the credentials; None: nothing can be asked there. Raises a PublishError."""
    if isinstance(publisher, Verifies):
        return publisher.verify()
    if isinstance(publisher, Identifies):
        id = publisher.account_id()
        return Verified(account=id, account_id=id)
    return None


def one_machine(channels: Iterable[Channel], settings: Settings,
                environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Credentials that are renewed in a file of this machine, where the archive is for many."""
    here = []
    for channel in channels:
        made = publishers.load(channel.network)
        try:
            fields = given(channel, (*made.needs, *made.wants), settings.credentials, environment)
        except SettingsError:                                     # told as a finding of its own
            continue
        if hasattr(made, "refresh") and _ONE_TIME in fields:
            here.append(channel.id)
    if here:
        yield Finding("advice", f"{', '.join(here)}: the credential is renewed on this machine, and no other knows.",
                      "Publish it from this machine only, or share .drumbeat/tokens between all of them.")


def _fields(channel: Channel, made: type[Publisher], settings: Settings,
            environment: Mapping[str, str]) -> Fields | Finding:
    """What is set for the channel; a finding when that is not enough."""
    try:
        fields = given(channel, (*made.needs, *made.wants), settings.credentials, environment)
    except SettingsError:
        return Finding("skipped", "the file with the credentials cannot be used")
    lacks = [f"DRUMBEAT_{connection_of(channel)}_{name.upper()}" for name in made.needs if name not in fields]
    if lacks:
        return Finding("error", f"{', '.join(lacks)} {'is' if len(lacks) == 1 else 'are'} not set.", _connect(channel))
    try:
        return renewed(settings.home, connection_of(channel), fields)
    except SettingsError as error:
        return Finding("error", error.what, error.remedy)


def _renewed_elsewhere(channel: Channel, fields: Fields, settings: Settings, store: Store | None) -> Finding | None:
    """A credential that another machine has renewed is dead here: to try it again could end the living one too."""
    if store is None or not store.address.startswith("s3://") or _ONE_TIME not in fields:
        return None
    name = connection_of(channel).lower()
    leases = [int(key.rpartition("/")[2].removesuffix(".json")) for key in store.list(f"v1/token/{name}/")]
    try:
        kept = int(json.loads((settings.home / f".drumbeat/tokens/{name}.json").read_bytes())["number"])
    except (OSError, ValueError, KeyError, TypeError):
        kept = 0
    newest = max(leases, default=0)
    age = store.age(f"v1/token/{name}/{newest:06d}.json") if newest > kept else None
    if age is None or age <= LEASE_S:                             # nobody renewed it since, or somebody does just now
        return None
    return Finding("error", "The credential was renewed by another machine, or the file that held it here is gone; it "
                   "was not tried.", f"Publish it from that machine only. If there is none: {_connect(channel)}")


def _another_account(channel: Channel, id: str, store: Store) -> Iterator[Finding]:
    wanted = Bound(network=channel.network, handle=channel.handle or channel.id, account_id=id)
    try:
        bound = bind(OnlyLooking(store), channel.id, wanted)
    except (SettingsError, StoreError) as error:
        yield Finding("error", error.what, error.remedy)
        return
    if bound.account_id != id:
        yield Finding("error", f"The credentials open account {id}, and the archive knows {channel.id} as "
                      f"{bound.handle} (account {bound.account_id}): nothing would be sent.",
                      "Put the right credentials back; a new account gets a channel of its own in "
                      "networks/channels.yaml.")


def _permissions(verified: Verified) -> Iterator[Finding]:
    """What the network says of the credentials; an error where posts would fail for want of a permission."""
    for said in verified.warnings:
        what, _, todo = said.partition(": ")
        fails = any(re.search(rf"(?<![\w.:/-]){re.escape(scope)}(?![\w/-]|[.:]\w)", said) for scope in verified.lacks)
        yield Finding("error" if fails else "warning", f"{what.rstrip('.')}.",
                      f"{todo[:1].upper()}{todo[1:]}" if todo else "See to it before the next post.")


def _ends(channel: Channel, prepared: Prepared, settings: Settings, told: datetime | None, now: datetime,
          environment: Mapping[str, str]) -> Iterator[Finding]:
    """A credential that ends before a post (CON001). `told`: when it ends by the network's own word."""
    content = prepared.content
    only = content._replace(channels=content.channels.model_copy(update={"channels": (channel,)}))
    if told is not None:
        environment = {**environment, f"DRUMBEAT_{connection_of(channel)}_EXPIRES_AT": told.isoformat()}
    made = publishers.load(channel.network)
    for problem in foresee(prepared._replace(content=only), settings, now, environment):
        if problem.code == "CON001":
            fields = given(channel, (*made.needs, *made.wants), settings.credentials, environment)
            ends = told or expiry(renewed(settings.home, connection_of(channel), fields))
            yield Finding("error" if ends is not None and ends <= now else "warning", problem.message, problem.remedy)


def _connect(channel: Channel) -> str:
    return f"Run 'drumbeat connect {channel.network} --channel {channel.id}'."


# --- the CRM ----------------------------------------------------------------------------------------------------------


def crm(named: Crm, settings: Settings, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Whether the system answers a GET at the address that its connection names, with its token if it has one."""
    import httpx

    where = Channel(id="crm", network="crm", connection=named.connection)
    variable = f"DRUMBEAT_{connection_of(where)}"
    try:
        fields = {name: value.get_secret_value()
                  for name, value in given(where, _CRM_FIELDS, settings.credentials, environment).items()}
    except SettingsError:
        yield Finding("skipped", "the file with the credentials cannot be used")
        return
    what = named.system or "the CRM"
    if "url" not in fields:
        yield Finding("warning", f"{variable}_URL is not set: nobody can try {what}, and a launch asks for it.",
                      f"Set {variable}_URL to an address of {what} that changes nothing when it is read, and "
                      f"{variable}_TOKEN if it wants one.")
        return
    parts = urlsplit(fields["url"])
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")):
        yield Finding("error", f"{variable}_URL is no https address.", "Write the whole address: https://…")
        return
    headers = {"Authorization": f"Bearer {fields['token']}"} if "token" in fields else {}
    try:
        with httpx.stream("GET", fields["url"], headers=headers, timeout=_PATIENCE_S, follow_redirects=False) as answer:
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        yield Finding("error", f"{what} does not answer: {type(error).__name__}.",
                      f"See whether it runs, and whether {variable}_URL is right.")
        return
    if status in (401, 403):
        yield Finding("error", f"{what} refuses the token (HTTP {status}).", f"Renew {variable}_TOKEN.")
    elif not 200 <= status < 300:
        yield Finding("error", f"{what} answers HTTP {status}.",
                      f"Set {variable}_URL to an address that answers 200 when it is read.")
    else:
        yield Finding("ok", f"{what} answers")
