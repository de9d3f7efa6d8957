"""What will stop the plan, or cost too much, and stands in no file of the content: credentials that end, prices."""
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import publishers
from flows.edges.credentials import connection_of, given
from flows.edges.settings import Settings
from flows.edges.tokens import Fields, expiry, renewed
from flows.planning.preparing import Prepared
from publishers.base import Connection, Prices
from schemas.channel import Channel
from schemas.errors import SettingsError
from schemas.place import Place
from schemas.plan import Item
from schemas.problem import Problem, Severity


def foresee(done: Prepared, settings: Settings, now: datetime,
            environment: Mapping[str, str] = os.environ) -> list[Problem]:
    """CON001 for each credential that ends before a post that needs it, CON002 for each month beyond its budget."""
    found: list[Problem] = []
    by_channel: dict[str, list[Item]] = {}
    for item in done.plan.items:
        by_channel.setdefault(item.channel.id, []).append(item)
    for number, channel in enumerate(done.content.channels.channels):
        items = by_channel.get(channel.id, [])
        if items and channel.network in done.content.networks:
            place = _place(done, number)
            try:
                found += _ends(channel, items, settings, environment, place, now)
            except SettingsError as error:                        # a credentials file that is no good stops no writer
                found.append(Problem("CON001", Severity.warning, place, error.what, error.remedy))
            found += _costs(channel, items, done, place)
    return found


def _ends(channel: Channel, items: list[Item], settings: Settings, environment: Mapping[str, str],
          place: Place, now: datetime) -> Iterator[Problem]:
    made = publishers.load(channel.network)
    names = (*made.needs, *made.wants)
    if "expires_at" not in names:
        return
    configured = given(channel, names, settings.credentials, environment)
    fields: Fields = renewed(settings.home, connection_of(channel), configured)
    if hasattr(made, "refresh") and ({"refresh_token", "password", "app_password"} & fields.keys()
                                     or "refresh_token" not in names):
        return                                                    # it is renewed without a person
    ends = expiry(fields)
    late = sorted((item for item in items if ends is not None and item.at >= ends), key=lambda item: item.at)
    if ends is None or not late:
        return
    zone = ZoneInfo(late[0].zone)
    first, many = late[0], "one post is" if len(late) == 1 else f"{len(late)} posts are"
    is_over = ends <= now
    yield Problem(
        "CON001", Severity.warning, place,
        f"The credential of {channel.id} {'ended' if is_over else 'ends'} on {_day(ends, zone)}, and {many} planned "
        f"after it, the first on {_day(first.at, zone)}: {first.slot.post}.",
        f"Run 'drumbeat connect {channel.network} --channel {channel.id}' {'now' if is_over else 'before that'}.")


def _costs(channel: Channel, items: list[Item], done: Prepared, place: Place) -> Iterator[Problem]:
    if channel.monthly_budget is None:
        return
    publisher = publishers.load(channel.network)(Connection(channel.handle or channel.id))
    if not isinstance(publisher, Prices):
        return
    months: dict[str, list[float]] = {}
    for item in items:
        price = publisher.price(publisher.compose(done.messages[item.slot]))
        months.setdefault(f"{item.at.astimezone(ZoneInfo(item.zone)):%Y-%m}", []).append(price)
    for month, prices in sorted(months.items()):
        if sum(prices) > channel.monthly_budget:
            posts = "one post costs" if len(prices) == 1 else f"{len(prices)} posts cost"
            yield Problem(
                "CON002", Severity.warning, place,
                f"{posts} {sum(prices):.2f} USD on {channel.id} in {month}; the budget is "
                f"{channel.monthly_budget:g} USD.",
                "Leave links out, name fewer posts for the channel, or raise its monthly_budget.")


def _place(done: Prepared, number: int) -> Place:
    entry = next((one for one in done.content.entries if one.kind == "channels"), None)
    return entry.place("channels", number, "id") if entry else Place(done.content.root)


def _day(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%B %Y %H:%M}"
