"""preview names the hash of what is sent, so that what was approved can be held against what went out."""
from collections.abc import Callable
from typing import Any

import pytest

from ..conftest import ContentFolder

DUE = ("--now", "2027-03-01 12:00")
MEDIA = "media: [{{file: {}.png, alt: {}}}]\n"


@pytest.fixture
def club(content_folder: Callable[..., ContentFolder], picture: Callable[[int], bytes]) -> ContentFolder:
    """A post with a picture."""
    folder = content_folder()
    folder.write("media/one.png", picture(1))
    folder.post("drill", "A drill.", more=MEDIA.format("one", "A red pixel"))
    folder.commit()
    return folder


def test_the_payload_is_the_one_that_is_sent(club: ContentFolder, drumbeat: Callable[..., Any]) -> None:
    """Before: preview, whole and short. Afterwards: what is promised in the archive, and the story that `why` tells."""
    [message] = drumbeat("preview", "--json", *DUE, cwd=club.home).json["messages"]
    slot, payload = message["slot"], message["payload"]
    assert f"payload {payload[:10]}: the hash of all that is sent" in drumbeat("preview", *DUE, cwd=club.home).out

    assert drumbeat("publish", "--once", "--rehearse", "--now", "2027-03-01 12:05", cwd=club.home).code == 0

    records = drumbeat("why", slot, "--json", cwd=club.home).json["records"]
    assert [record["pin"]["payload"] for record in records if record["pin"]] == [payload]
    assert f" has it, payload {payload[:10]}" in drumbeat("why", slot, cwd=club.home).out


def test_what_readers_see_makes_the_payload(club: ContentFolder, drumbeat: Callable[..., Any],
                                            picture: Callable[[int], bytes]) -> None:
    """Another text, description or picture is another payload. What cannot go out has none, and preview says why."""
    club.write("media/two.png", picture(2))
    club.write("media/torn.png", picture(3)[:45])
    for name, text, more in (("text", "A drill!", ("one", "A red pixel")), ("alt", "A drill.", ("one", "A pixel")),
                             ("bytes", "A drill.", ("two", "A red pixel")), ("torn", "A drill.", ("torn", "A pixel")),
                             ("gone", "A drill.", ("gone", "A pixel"))):
        club.post(name, text, more=MEDIA.format(*more))

    told = drumbeat("preview", "--json", *DUE, cwd=club.home).json["messages"]
    shown = drumbeat("preview", "torn", "gone", *DUE, cwd=club.home).out

    payloads = {one["slot"]: one["payload"] for one in told}
    none = {slot for slot, payload in payloads.items() if payload is None}
    assert none == {"posts/torn@mastodon#1", "posts/gone@mastodon#1"}
    assert len(set(payloads.values()) - {None}) == len(payloads) - len(none) == 4
    assert "no payload: a file of it cannot be made ready" in shown
    assert "no payload: what has errors is not sent" in shown
