"""Mastodon, for the contract suite."""
from contract_case import POST, Answer, Case, film, message, part, picture

from schemas.message import Poll
from schemas.place import Place


def poll(*options: str, seconds: int = 86_400) -> Poll:
    return Poll(options=options, lasts_s=seconds, place=Place(POST, 5))


CASE = Case(
    network="mastodon",
    credentials={"access_token": "rehearsal:@us", "base_url": "https://tools.social.example"},
    strangers={"access_token": "rehearsal:@them", "base_url": "https://tools.social.example"},
    dead={"access_token": "expired", "base_url": "https://tools.social.example"},
    goes={
        "plain": message("mastodon", "A kettle is mended. https://example.org/kettle"),
        "picture": message("mastodon", part("A kettle, before and after", picture())),
        "four pictures": message("mastodon", part("Four", *(picture(f"{n}.webp") for n in range(4)))),
        "video": message("mastodon", part("A kettle boils", film())),
        "thread": message("mastodon", "One", part("Two", picture("two.png")), part("Three", kind="comment")),
        "poll": message("mastodon", "Which kettle?", poll=poll("Steel", "Copper"), options={"poll_multiple": True}),
        "warning": message("mastodon", "A kettle, badly burnt", warning="Burns",
                           options={"visibility": "unlisted", "quotes": "nobody"}),
        "warned picture": message("mastodon", part("", picture("burnt.png")), warning="Burns"),
        "longest": message("mastodon", "x" * 495, warning="Burns"),
    },
    refused={
        "too long": message("mastodon", "x" * 501),
        "too long with its warning": message("mastodon", "x" * 496, warning="Burns"),
        "five pictures": message("mastodon", part("Five", *(picture(f"{n}.jpg") for n in range(5)))),
        "video and picture": message("mastodon", part("Both", film(), picture())),
        "five answers": message("mastodon", "Which?", poll=poll("1", "2", "3", "4", "5")),
        "the same answer": message("mastodon", "Which?", poll=poll("Yes", "Yes")),
        "a long answer": message("mastodon", "Which?", poll=poll("Yes", "N" * 51)),
        "a short poll": message("mastodon", "Which?", poll=poll("Yes", "No", seconds=299)),
        "poll and picture": message("mastodon", part("Which?", picture()), poll=poll("Yes", "No")),
        "unknown word": message("mastodon", "Hello", options={"visibility": "everybody"}),
        "nothing": message("mastodon", " "),
    },
    yes=Answer(200, '{"id": "17", "url": null}'),
    no='{"error": "No"}',
)
