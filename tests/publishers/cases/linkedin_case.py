"""LinkedIn, for the contract suite: a page, because a member's posts cannot be read back."""
from contract_case import FAULTS, FILES, POST, Answer, Case, film, message, part, picture

from schemas.content import Probe
from schemas.message import Media, Poll
from schemas.place import Place

FILES["linkedin-film"] = b"\x00\x00\x00\x18ftypisom" + bytes(80_000)       # it takes none below 75 kB
FILES["linkedin-pdf"] = b"%PDF-1.4\n" + bytes(2_000)
FILM = film(blob="linkedin-film", size=len(FILES["linkedin-film"]))
PAPER = Media(file="content/media/kettle.pdf", blob="linkedin-pdf", size=2_009, alt=None, place=Place(POST, 4),
              probe=Probe("pdf"))


def poll(*answers: str, days: float = 7) -> Poll:
    return Poll(options=answers or ("Copper", "Steel"), lasts_s=int(days * 86_400), place=Place(POST, 5))


def signed(who: str) -> dict[str, str]:
    return {"access_token": f"rehearsal:{who}", "author": f"rehearsal:{who}", "client_id": who,
            "client_secret": f"rehearsal:{who}", "refresh_token": f"rehearsal:{who}"}


CASE = Case(
    network="linkedin",
    credentials=signed("@us"),
    strangers=signed("@them"),
    dead={**signed("@us"), "access_token": "expired"},
    goes={
        "plain": message("linkedin", "A kettle (mended) for @nobody: 5*3 = 15_000 [pieces] #Repair "
                                     "https://example.org/a_b?c=d#e"),
        "picture": message("linkedin", part("A kettle, before and after", picture())),
        "pictures": message("linkedin", part("Twenty", *(picture(f"k{n}.png", f"Kettle {n}") for n in range(20)))),
        "film": message("linkedin", part("It boils", FILM), title="It boils"),
        "document": message("linkedin", part("How to mend it", PAPER), title="Mending, in ten pages"),
        "card": message("linkedin", "Read it", card="https://example.org/kettle", title="The kettle"),
        "card and picture": message("linkedin", part("Look at it", picture("card.jpg", None)),
                                    card="https://example.org/kettle", title="It", options={"card_picture": True}),
        "poll": message("linkedin", "Which one?", poll=poll()),
        "comment": message("linkedin", "One", part("And a (word) below", kind="comment")),
        "thread": message("linkedin", "First", part("Second", picture("two.png")), part("Third", kind="comment")),
        "for few": message("linkedin", "Among us", options={"visibility": "connections"}),
        "longest": message("linkedin", "x" * 3_000),
    },
    refused={
        "too long": message("linkedin", "x" * 3_001),
        "too long a comment": message("linkedin", "Fine", part("x" * 1_251, kind="comment")),
        "webp": message("linkedin", part("A kettle", picture("kettle.webp"))),
        "21 pictures": message("linkedin", part("Many", *(picture(f"m{n}.png") for n in range(21)))),
        "a tiny film": message("linkedin", part("It boils", film())),
        "poll of ten days": message("linkedin", "Which one?", poll=poll(days=10)),
        "five answers": message("linkedin", "Which one?", poll=poll(*"abcde")),
        "a long answer": message("linkedin", "Which one?", poll=poll("x" * 31, "y")),
        "a long question": message("linkedin", "Which one of all these? " * 6, poll=poll()),
        "nothing": message("linkedin", " "),
    },
    yes=Answer(201, "", ("x-restli-id: urn:li:share:17",)),
    no='{"message": "No", "status": 400}',
    faults=tuple(fault for fault in FAULTS if fault != "truncate"),         # its yes has no body that could be cut
    public={"author": "urn:li:organization:104729", "client_id": "86kettle"},
    # the yes is a header, so what is wrong with the body behind it says nothing
    rows={"reset in the body": None, "a yes of nothing": None, "body without an end": None, "last chunk missing": None,
          "half an answer and silence": None},
)
