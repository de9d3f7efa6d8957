"""Telegram, for the contract suite."""
from contract_case import Answer, Case, film, message, part, picture

from schemas.errors import Unauthorized
from schemas.message import Poll
from schemas.place import Place

CASE = Case(
    network="telegram",
    credentials={"bot_token": "rehearsal:@us", "chat_id": "@us"},
    strangers={"bot_token": "rehearsal:@them", "chat_id": "@them"},
    dead={"bot_token": "expired", "chat_id": "@us"},
    goes={
        "plain": message("telegram", "A kettle is mended. https://example.org/kettle"),
        "signs": message("telegram", part("Less < more & \"so\" <b>", markdown="**Less** < more & \"so\" <b>")),
        "picture": message("telegram", part("A kettle, before and after", picture())),
        "album": message("telegram", part("Two kettles", picture(), picture("two.png"), film())),
        "thread": message("telegram", "One", part("Two", picture("two.png")), "Three"),
        "card": message("telegram", "Read on", card="https://example.org/kettle"),
        "poll": message("telegram", "Which kettle?",
                        poll=Poll(options=("The red one", "The blue one"), lasts_s=300, place=Place("p.md", 3))),
    },
    refused={
        "too long": message("telegram", "x" * 4097),
        "too long under a picture": message("telegram", part("x" * 1025, picture())),
        "eleven pictures": message("telegram", part("Eleven", *(picture(f"{n}.jpg", width=8 + n) for n in range(11)))),
        "webp": message("telegram", part("A kettle", picture("kettle.webp"))),
        "too wide": message("telegram", part("A kettle", picture("wide.png", width=420, height=20))),
        "nothing": message("telegram", " "),
    },
    yes=Answer(200, '{"ok": true, "result": {"message_id": 17, "chat": {"id": -1001234567890}}}'),
    no='{"ok": false, "error_code": 400, "description": "No"}',
    public={"chat_id": "@us"},
    rows={"403": Unauthorized, "404": Unauthorized},
)
