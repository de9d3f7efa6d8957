"""Discord, for the contract suite."""
from contract_case import Answer, Case, message, part, picture

from schemas.message import Poll
from schemas.place import Place

CASE = Case(
    network="discord",
    credentials={"bot_token": "rehearsal:@us", "channel_id": "@us", "media_channel": "rehearsal:@us"},
    strangers={"bot_token": "rehearsal:@them", "channel_id": "@them", "media_channel": "rehearsal:@them"},
    dead={"bot_token": "expired", "channel_id": "@us", "media_channel": "rehearsal:@us"},
    goes={
        "plain": message("discord", "A kettle is mended. https://example.org/kettle"),
        "signs": message("discord", part("*not* bold @everyone", markdown="\\*not\\* **bold** @everyone")),
        "picture": message("discord", part("A kettle, before and after", picture())),
        "pictures": message("discord", part("", picture(), picture("two.webp", None))),
        "thread": message("discord", "One", part("Two", picture("two.png")), part("Three", kind="comment")),
        "poll": message("discord", "Which kettle?",
                        poll=Poll(options=("The red one", "The blue one"), lasts_s=86_400, place=Place("p.md", 3))),
    },
    refused={
        "too long": message("discord", "x" * 2001),
        "eleven pictures": message("discord", part("11", *(picture(f"{n}.jpg", width=8 + n) for n in range(11)))),
        "alt too long": message("discord", part("A kettle", picture(alt="x" * 1025))),
        "long answer": message("discord", "Which kettle?", poll=Poll(options=("x" * 56, "The blue one"),
                                                                     lasts_s=86_400, place=Place("p.md", 3))),
        "long poll": message("discord", "Which kettle?", poll=Poll(options=("The red one", "The blue one"),
                                                                   lasts_s=33 * 86_400, place=Place("p.md", 3))),
        "nothing": message("discord", " "),
    },
    yes=Answer(200, '{"id": "1312345678901234567", "content": "Hi"}'),
    no='{"message": "No", "code": 50035}',
    public={"channel_id": "1212345678901234567", "media_channel": "1212345678901234568"},
)
