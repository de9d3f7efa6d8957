"""Mastodon, for the contract suite."""
from contract_case import Answer, Case, message, part, picture

CASE = Case(
    network="mastodon",
    credentials={"access_token": "rehearsal:@us", "base_url": "https://tools.social.example"},
    strangers={"access_token": "rehearsal:@them", "base_url": "https://tools.social.example"},
    dead={"access_token": "expired", "base_url": "https://tools.social.example"},
    goes={
        "plain": message("mastodon", "A kettle is mended. https://example.org/kettle"),
        "picture": message("mastodon", part("A kettle, before and after", picture())),
        "thread": message("mastodon", "One", part("Two", picture("two.png")), part("Three", kind="comment")),
    },
    refused={
        "too long": message("mastodon", "x" * 501),
        "five pictures": message("mastodon", part("Five", *(picture(f"{n}.jpg") for n in range(5)))),
        "nothing": message("mastodon", " "),
    },
    yes=Answer(200, '{"id": "17", "url": null}'),
    no='{"error": "No"}',
)
