"""YouTube, for the contract suite: the create call makes a private video public."""
from typing import Any

from contract_case import FILES, POST, Answer, Case, film, message, part, picture

from publishers.base import DRAFT
from schemas.message import Media, Message
from schemas.place import Place

FILES["youtube-captions"] = b"1\n00:00:00,000 --> 00:00:02,000\nIt boils\n"
CAPTIONS = Media(file="content/media/kettle.srt", blob="youtube-captions", size=len(FILES["youtube-captions"]),
                 alt=None, place=Place(POST, 4))

TAGS = tuple(f"tag {n:02}" for n in range(55))           # 494 characters as YouTube counts them


def video(text: str = "A kettle is mended. https://example.org/kettle", *more: Media, **rest: Any) -> Message:
    options = {"made_for_kids": False, **rest.pop("options", {})}
    media = rest.pop("film", film(alt=None))
    return message("youtube", part(text, media, *more), **{"title": "A kettle", **rest}, options=options)


def signed(who: str) -> dict[str, str]:
    return {"client_id": who, "client_secret": f"rehearsal:{who}", "refresh_token": f"rehearsal:{who}",
            "access_token": f"rehearsal:{who}"}


CASE = Case(
    network="youtube",
    credentials=signed("@us"),
    strangers=signed("@them"),
    dead={**signed("@us"), "access_token": "expired"},
    goes={
        "plain": video(),
        "picture": video("With a picture", picture("title.png", None)),
        "captions": video("With subtitles", film=film(alt=None, captions=CAPTIONS), language="en"),
        "everything": video("With both #Repair", picture("both.jpg", None), language="de", hashtags=("Repair",),
                            disclosure="gifted", film=film(alt=None, captions=CAPTIONS, ai="edited"),
                            options={"tags": ("kettle", "how to mend"), "category": "howto", "privacy": "unlisted"}),
        "wordless": video(""),
        "longest": video("é" * 2_500, title="x" * 100),
        "all tags": video("Tagged", options={"tags": (*TAGS, "mend5")}),
    },
    refused={
        "too long": video("x" * 5_001),
        "no title": video(title=None),
        "a long title": video(title="x" * 101),
        "a bracket": video("a < b"),
        "a bracket in the title": video(title="a > b"),
        "too many tags": video(options={"tags": (*TAGS, "mend56")}),
        "words alone": message("youtube", "A kettle", title="A kettle"),
        "webp": video("A kettle", picture("title.webp", None)),
    },
    yes=Answer(200, '{"id": "kettle12345", "status": {"privacyStatus": "public"}}'),
    no='{"error": {"code": 400, "message": "No", "errors": [{"reason": "badRequest"}]}}',
    handles={DRAFT: "kettle12345"},
    public={"client_id": "kettle.apps.example"},
    method="PUT",
)
