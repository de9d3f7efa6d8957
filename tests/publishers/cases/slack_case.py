"""Slack, for the contract suite."""
from contract_case import Answer, Case, message, part, picture

CASE = Case(
    network="slack",
    credentials={"bot_token": "rehearsal:@us", "channel_id": "@us"},
    strangers={"bot_token": "rehearsal:@them", "channel_id": "@them"},
    dead={"bot_token": "expired", "channel_id": "@us"},
    goes={
        "plain": message("slack", "A kettle is mended. https://example.org/kettle"),
        "signs": message("slack", part("<!channel> & *so* <@U1>", markdown="<!channel> & \\*so\\* <@U1>")),
        "picture": message("slack", part("A kettle, before and after", picture())),
        "pictures": message("slack", part("", picture(), picture("two.png"))),
        "thread": message("slack", "One", part("Two", picture("two.png")), part("Three", kind="comment")),
        "card": message("slack", "Read on", card="https://example.org/kettle"),
    },
    refused={
        "too long": message("slack", "x" * 13_201),
        "alt too long": message("slack", part("A kettle", picture(alt="x" * 2_001))),
        "webp": message("slack", part("A kettle", picture("kettle.webp"))),
        "nothing": message("slack", " "),
    },
    yes=Answer(200, '{"ok": true, "channel": "C0123456789", "ts": "1763812800.000100"}'),
    no='{"ok": false, "error": "msg_too_long"}',
    public={"channel_id": "C0123456789"},
)
