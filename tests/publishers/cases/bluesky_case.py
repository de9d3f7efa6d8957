"""Bluesky, for the contract suite."""
from contract_case import FILES, Answer, Case, film, message, part, picture

from publishers._bluesky_once import Settled, record_key
from publishers.base import DRAFT
from schemas.ledger import Slot
from schemas.message import Media, Message
from schemas.place import Place

DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
FAMILY = "\U0001F468‍\U0001F469‍\U0001F467‍\U0001F466"       # one grapheme, 25 bytes
KEY = record_key(Slot("posts/kettle", "us"), 0)


def heavy(name: str, size: int) -> Media:
    """An image of so many bytes."""
    small = picture(name)
    FILES[f"{name}-{size}"] = FILES[small.blob].ljust(size, b"\0")
    return small.model_copy(update={"blob": f"{name}-{size}", "size": size})


def subtitles(name: str, size: int = 40) -> Media:
    FILES[f"{name}-{size}"] = b"WEBVTT\n\n00:00.000 --> 00:01.000\nA kettle".ljust(size, b" ")
    return Media(file=f"content/media/{name}", blob=f"{name}-{size}", size=len(FILES[f"{name}-{size}"]), alt=None,
                 place=Place("content/posts/kettle.md", 5))


def apart(**messages: Message) -> dict[str, Message]:
    """Each message in a slot of its own: here a slot's key lives for ever, and one key is one post."""
    slots = (Slot("posts/kettle" if name == "plain" else f"posts/{name.replace('_', '-')}", "us") for name in messages)
    return {name.replace("_", " "): one.model_copy(update={"slot": slot})
            for slot, (name, one) in zip(slots, messages.items(), strict=True)}


CASE = Case(
    network="bluesky",
    credentials={"identifier": "us.test", "app_password": "rehearsal:@us", "access_token": "rehearsal:@us",
                 "refresh_token": "rehearsal:@us"},
    strangers={"identifier": "them.test", "app_password": "rehearsal:@them", "access_token": "rehearsal:@them",
               "refresh_token": "rehearsal:@them"},
    dead={"identifier": "us.test", "app_password": "expired", "access_token": "expired", "refresh_token": "expired"},
    goes=apart(
        plain=message("bluesky", "A kettle is mended. https://example.org/kettle"),
        picture=message("bluesky", part("A kettle, before and after", picture())),
        four_pictures=message("bluesky", part("Four", *(picture(f"{n}.png", f"Number {n}") for n in range(4)))),
        thread=message("bluesky", "One", part("Two", picture("two.png")), part("Three", kind="comment")),
        marks=message("bluesky", "Ünited: @alice.example.org and @nobody.example.org, #Kettle $MILL example.org.",
                      language="en", options={"languages": ("de", "pt-BR"), "labels": ("graphic-media",)}),
        card=message("bluesky", "Look at this", card="https://example.org/kettle?utm_source=b", title="Kettles",
                     options={"card_text": "All about them"}),
        card_with_a_picture=message("bluesky", part("Look at this", picture("card.png")), card="https://example.org/",
                                    options={"card_image": True}),
        card_beside_a_picture=message("bluesky", part("Look", picture("beside.png")), card="https://example.org/"),
        film=message("bluesky", part("It boils", film(captions=subtitles("kettle.vtt"))), language="en"),
        the_longest=message("bluesky", FAMILY * 120),
        the_heaviest=message("bluesky", part("Large", heavy("large.png", 2_000_000))),
        only_a_picture=message("bluesky", part("", picture("alone.jpg"))),
        short_links=message("bluesky", f"{'x' * 260} https://example.org/{'y' * 200}", options={"links": "short"}),
    ),
    refused={
        "too long": message("bluesky", "x" * 301),
        "too many bytes": message("bluesky", FAMILY * 121),
        "five pictures": message("bluesky", part("Five", *(picture(f"{n}.jpg") for n in range(5)))),
        "too heavy": message("bluesky", part("Large", heavy("large.png", 2_000_001))),
        "card too heavy": message("bluesky", part("Large", heavy("card.png", 1_000_001)), card="https://example.org/",
                                  options={"card_image": True}),
        "not a picture": message("bluesky", part("A song", picture("kettle.png", file="content/media/kettle.mp3"))),
        "four languages": message("bluesky", "Hi", options={"languages": ("en", "de", "fr", "it")}),
        "no language": message("bluesky", "Hi", options={"languages": ("English (UK)",)}),
        "subtitles of another kind": message("bluesky", part("It boils", film(captions=subtitles("kettle.srt")))),
        "long subtitles": message("bluesky", part("It boils", film(captions=subtitles("long.vtt", 20_001)))),
        "long words for a film": message("bluesky", part("It boils", film(alt="x" * 1_001))),
    },
    yes=Answer(200, f'{{"uri": "at://{DID}/app.bsky.feed.post/{KEY}", "cid": "bafyreigx2gprinfvicegelk5kosd6y2f"}}'),
    no='{"error": "InvalidRequest", "message": "No"}',
    handles={DRAFT: Settled(DID, "2026-11-22T12:00:00.000Z").handle()},
    public={"identifier": "us.test"},
)
