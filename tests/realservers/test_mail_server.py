"""The mail adapter against a mail server that we did not write (maildev, from npm): SMTP in, REST out."""
import io
from typing import Any

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr

from publishers.base import Connection, Sent
from publishers.mail import Mail
from schemas.ledger import Slot
from schemas.message import Media, Message, Part
from schemas.place import Place

pytestmark = pytest.mark.realservers
PLACE = Place("content/posts/launch.md", 7)
UNSUBSCRIBE = "https://club.example/unsubscribe?list=news&with=a-rather-long-token-that-must-not-be-folded-0123456789"


@pytest.fixture(scope="module")
def server(start) -> dict[str, Any]:
    return start("mail")


def adapter(server: dict[str, Any], readers: str = "news@lists.club.example") -> Mail:
    fields = {"host": server["smtp_host"], "port": str(server["smtp_port"]), "security": "none", "user": "club",
              "password": "planted", "from_address": "club@club.example", "from_name": "Der Müller-Club, e.V.",
              "list_address": readers, "unsubscribe_url": UNSUBSCRIBE}
    return Mail(Connection("@club", {name: SecretStr(value) for name, value in fields.items()}))


def a_picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (60, 40), (31, 111, 139)).save(made, "PNG")
    return made.getvalue()


def message(post: str, text: str, *media: Media, markdown: str = "") -> Message:
    part = Part(text=text, markdown=markdown or text, media=media, place=PLACE)
    return Message(slot=Slot(post, "mail"), network="mail", account="@club", parts=(part,), title="Grüße & mehr: Öl",
                   language="de")


def mails(server: dict[str, Any], key: str) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = httpx.get(server["messages"]).json()
    return [one for one in held if key in one["headers"]["message-id"]]


def test_a_newsletter_with_a_picture_arrives_whole_once(server):
    """Subject, both texts, the picture's bytes and its alt text, and the way out of the list are there, in one mail."""
    picture = Media(file="media/dawn.png", blob="b1", size=len(a_picture()), alt='The mill at "dawn" <1>', place=PLACE)
    publisher = adapter(server)
    plan = publisher.compose(message("posts/launch", ".A line that begins with a dot\n\nGrüße\n.", picture,
                                     markdown="**Grüße** an [alle](https://club.example/)"))
    handles = publisher.prepare(plan, 0, {"b1": a_picture()}.__getitem__)

    receipt = publisher.publish(plan, 0, Sent(handles=handles))

    (held,) = mails(server, plan.parts[0].key)
    assert held["headers"]["message-id"] == f"<{receipt.id}>"
    assert held["subject"] == "Grüße & mehr: Öl"
    assert held["from"] == [{"address": "club@club.example", "name": "Der Müller-Club, e.V."}]
    assert [one["address"] for one in held["to"]] == ["news@lists.club.example"]
    assert held["text"].startswith('.A line that begins with a dot\n\nGrüße\n.\n\n[The mill at "dawn" <1>]\n\n-- \n')
    assert "<strong>Grüße</strong> an <a href=\"https://club.example/\">alle</a>" in held["html"]
    assert 'alt="The mill at &quot;dawn&quot; &lt;1&gt;"' in held["html"]
    assert held["headers"]["list-unsubscribe"] == f"<{UNSUBSCRIBE}>"
    assert held["headers"]["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    (file,) = held["attachments"]
    assert (file["contentType"], file["contentDisposition"]) == ("image/png", "inline")
    there = f"{server['url']}/email/{held['id']}/attachment/{file['generatedFileName']}"
    assert httpx.get(there).content == a_picture()


def test_several_readers_get_one_mail_and_do_not_see_each_other(server):
    """One transaction with an envelope for all: the server holds one mail, whose head names none of them."""
    publisher = adapter(server, "ada@club.example, ben@club.example")
    plan = publisher.compose(message("posts/several", "For both"))

    publisher.publish(plan, 0, Sent())

    (held,) = mails(server, plan.parts[0].key)
    assert sorted(one["address"] for one in held["envelope"]["to"]) == ["ada@club.example", "ben@club.example"]
    assert held["headers"]["to"] == "undisclosed-recipients:;"


def test_its_door_is_tried_without_a_mail(server):
    """Verifying talks to the server and leaves nothing there."""
    before = len(httpx.get(server["messages"]).json())

    assert adapter(server).verify().account == "club@club.example"

    assert len(httpx.get(server["messages"]).json()) == before
