"""X, for the contract suite."""
from contract_case import FILES, Answer, Case, film, message, part, picture

from schemas.content import Probe
from schemas.message import Poll
from schemas.place import Place

_APP = {"consumer_key": "app", "consumer_secret": "app-secret", "access_token_secret": "token-secret"}


def _poll(*answers: str, hours: int = 24) -> Poll:
    return Poll(options=answers, lasts_s=hours * 3_600, place=Place("content/posts/kettle.md", 5))


def _long_film(seconds: int) -> str:
    """The blob of a film that says it runs for so long."""
    kept = film()
    data = FILES[kept.blob]
    FILES["x-long-film"] = data.replace((12_000).to_bytes(4), (seconds * 1_000).to_bytes(4), 1)
    return "x-long-film"


CASE = Case(
    network="x",
    credentials={**_APP, "access_token": "rehearsal:@us"},
    strangers={**_APP, "access_token": "rehearsal:@them"},
    dead={**_APP, "access_token": "expired"},
    goes={
        "plain": message("x", "A kettle is mended. https://example.org/kettle"),
        "picture": message("x", part("A kettle, before and after", picture())),
        "video": message("x", part("A kettle boils", film())),
        "poll": message("x", "Which kettle next?", poll=_poll("Copper", "Enamel")),
        "labelled": message("x", "Mended with a gift", disclosure="gifted", options={"reply_settings": "following"}),
        "thread": message("x", "One", part("Two", picture("two.png")), part("Three", kind="comment")),
    },
    refused={
        "too long": message("x", "x" * 281),
        "five pictures": message("x", part("Five", *(picture(f"{n}.jpg") for n in range(5)))),
        "two cashtags": message("x", "$MILL and $TOOL"),
        "nothing": message("x", " "),
        "video too long": message("x", part("Long", film(blob=_long_film(1_201), probe=Probe("mp4", 1280, 720, 1201)))),
        "video and picture": message("x", part("Both", film(), picture())),
        "five answers": message("x", "Which?", poll=_poll(*"abcde")),
        "long answer": message("x", "Which?", poll=_poll("Copper", "x" * 26)),
        "poll for too long": message("x", "Which?", poll=_poll("a", "b", hours=7 * 24 + 1)),
        "poll and picture": message("x", part("Which?", picture()), poll=_poll("a", "b")),
        "no such readers": message("x", "Hi", options={"reply_settings": "everybody"}),
    },
    yes=Answer(201, '{"data": {"id": "17", "text": "Hi"}}'),
    no='{"title": "No", "detail": "No", "status": 400}',
)
