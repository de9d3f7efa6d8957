"""Tumblr, for the contract suite."""
from contract_case import FILES, Answer, Case, message, part, picture

FILES.setdefault("tga", b"\0\0\x02" + bytes(15))


def signed(who: str) -> dict[str, str]:
    return {"access_token": f"rehearsal:{who}", "blog": f"rehearsal:{who}", "client_id": who,
            "client_secret": f"rehearsal:{who}", "refresh_token": f"rehearsal:{who}"}


CASE = Case(
    network="tumblr",
    credentials=signed("@us"),
    strangers=signed("@them"),
    dead={**signed("@us"), "access_token": "expired"},
    goes={
        "plain": message("tumblr", "A *kettle* is **mended** 🫖: https://example.org/a_b?c=d#e", title="A kettle & lid",
                         hashtags=("mill", "old tools"), link="https://example.org/kettle"),
        "picture": message("tumblr", part("Before", picture(), picture("after.png", alt='The "new" one')),
                           post="posts/two"),
        "only a picture": message("tumblr", part("", picture("alone.gif", None)), post="posts/alone"),
        "thread": message("tumblr", "One", part("Two", picture("two.png", "")), part("Three", kind="comment"),
                          title="All in one", post="posts/three"),
        "card": message("tumblr", "Read it", card="https://example.org/kettle", post="posts/card",
                        options={"slug": "read-it", "reblogs": "noone", "source": "https://example.org/source"}),
        "a long paragraph": message("tumblr", "word " * 4_000, post="posts/long"),
        "thirty pictures": message("tumblr", part("Many", *(picture(f"k{n}.png", f"K{n}") for n in range(30))),
                                   post="posts/many"),
    },
    refused={
        "31 pictures": message("tumblr", part("Many", *(picture(f"m{n}.png") for n in range(31)))),
        "1,001 paragraphs": message("tumblr", "\n\n".join("x" * 1_001)),
        "101 links": message("tumblr", "\n\n".join(f"https://example.org/{n}" for n in range(101))),
        "too long an alt text": message("tumblr", part("A kettle", picture(alt="a" * 4_097))),
        "a picture of another kind": message("tumblr", part("A kettle", picture("kettle.tga", blob="tga"))),
        "nothing": message("tumblr", " "),
    },
    yes=Answer(200, '{"meta": {"status": 200, "msg": "OK"}, "response": {"id": "731234567890123456"}}'),
    no='{"meta": {"status": 400, "msg": "No"}, "response": [], "errors": [{"title": "No", "code": 8001}]}',
    handles={"draft": "731234567890123000"},
    public={"blog": "kettles", "client_id": "k3ttle"},
    method="PUT",
)
