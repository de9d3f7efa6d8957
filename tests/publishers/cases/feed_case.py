"""Feeds, for the contract suite. Their store refuses nothing for what it says, and its yes has no body to cut."""
from contract_case import FAULTS, Case, film, message, part, picture


def _fields(handle: str) -> dict[str, str]:
    return dict.fromkeys(("destination", "site_url", "self_url", "title"), f"rehearsal:{handle}")


CASE = Case(
    network="feed",
    credentials=_fields("@us"),
    strangers=_fields("@them"),
    dead={**_fields("@us"), "destination": "expired"},
    goes={
        "plain": message("feed", "A kettle is mended. https://example.org/kettle", title="A kettle"),
        "picture": message("feed", part("A kettle, before and after", picture()), post="posts/picture"),
        "video": message("feed", part("A kettle sings", film(), picture("two.png", alt=None)), post="posts/video"),
        "thread": message("feed", "One", part("Two", picture("two.png")), part("Three", kind="comment"),
                          post="posts/thread"),
    },
    refused={},
    yes=None,
    faults=tuple(fault for fault in FAULTS if fault != "truncate"),
)
