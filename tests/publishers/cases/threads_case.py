"""Threads, for the contract suite."""
from contract_case import POST, Answer, Case, film, message, part, picture

from publishers.base import DRAFT
from schemas.message import Poll
from schemas.place import Place


def poll(*options: str, lasts_s: int = 86_400) -> Poll:
    return Poll(options=options, lasts_s=lasts_s, place=Place(POST, 5))


CASE = Case(
    network="threads",
    credentials={"access_token": "rehearsal:@us", "user_id": "@us"},
    strangers={"access_token": "rehearsal:@them", "user_id": "@them"},
    dead={"access_token": "expired", "user_id": "@us"},
    goes={
        "plain": message("threads", "A kettle is mended. https://example.org/kettle"),
        "picture": message("threads", part("A kettle, before and after", picture("kettle.png"))),
        "video": message("threads", part("A kettle boils", film())),
        "carousel": message("threads", part("Before and after", picture("before.jpg"), film(), picture("after.png"))),
        "thread": message("threads", "One", part("Two", picture("two.png")), part("Three", kind="comment")),
        "poll": message("threads", "Mend it?", poll=poll("Yes", "No")),
        "spoiler": message("threads", part("It boils.", picture("end.jpg")), warning="The end of the story"),
        "card": message("threads", "A kettle", card="https://example.org/kettle",
                        options={"topic_tag": "Kettles", "reply_control": "followers_only"}),
    },
    refused={
        "too long": message("threads", "x" * 501),
        "webp": message("threads", part("A kettle", picture("kettle.webp"))),
        "too wide": message("threads", part("A kettle", picture("wide.jpg", width=1_101, height=100))),
        "twenty-one pictures": message("threads", part("Many", *(picture(f"{n}.jpg") for n in range(21)))),
        "emoji count as bytes": message("threads", "x" * 497 + "😀"),
        "six links": message("threads", " ".join(f"https://example.org/{n}" for n in range(6))),
        "five answers": message("threads", "Which?", poll=poll(*"abcd", "e" * 26)),
        "a long answer": message("threads", "Which?", poll=poll("a", "b" * 26)),
        "topic": message("threads", "A kettle", options={"topic_tag": "tea & kettles"}),
        "nothing": message("threads", " "),
    },
    yes=Answer(200, '{"id": "18055555555555555"}'),
    no='{"error": {"message": "No", "code": 100}}',
    handles={DRAFT: "17889455560051444@1795348800"},
    public={"user_id": "7755555555"},
)
