"""Pinterest, for the contract suite."""
from contract_case import FILES, Answer, Case, message, part, picture

from schemas.message import Media, Message, Part

BOARD = "549755885175"
FILES.setdefault("webp", b"RIFF\0\0\0\0WEBPVP8 ")


def pin(*parts: Part | str, board: str = BOARD, **more: object) -> Message:
    options = {**({"board": board} if board else {}), **more.pop("options", {})}  # type: ignore[dict-item]
    return message("pinterest", *parts, options=options, **more)


def kettles(many: int) -> tuple[Media, ...]:
    return tuple(picture(f"k{n}.png", f"Kettle {n}") for n in range(many))


def signed(who: str) -> dict[str, str]:
    return {"access_token": f"rehearsal:{who}", "refresh_token": f"rehearsal:{who}", "client_id": who,
            "client_secret": f"rehearsal:{who}"}


CASE = Case(
    network="pinterest",
    credentials=signed("@us"),
    strangers=signed("@them"),
    dead={**signed("@us"), "access_token": "expired"},
    goes={
        "plain": pin(part("A kettle is mended. #mill", picture("kettle.jpg", 'The "new" one')),
                     title="A kettle & its lid", link="https://example.org/kettle?utm_source=pinterest"),
        "carousel": pin(part("Before and after", *kettles(2)), title="Two"),
        "five": pin(part("Five of them", *kettles(5)), title="Five", options={"section": "17"}),
        "thread": pin(part("First", picture("one.png", "")), part("Second", picture("two.png", None)),
                      title="All in one", card="https://example.org/card"),
        "no words": pin(part("", picture("mute.png", "A kettle"))),
        "longest": pin(part("x" * 800, picture("long.png", "a" * 500)), title="y" * 100,
                       link="https://example.org/" + "k" * 2_028),
    },
    refused={
        "too long": pin(part("x" * 801, picture())),
        "too long a title": pin(part("Fine", picture()), title="y" * 101),
        "too long an alt text": pin(part("Fine", picture(alt="a" * 501))),
        "too long alt texts": pin(part("Fine", picture("a.png", "a" * 300), picture("b.png", "b" * 300))),
        "too long a link": pin(part("Fine", picture()), link="https://example.org/" + "k" * 2_029),
        "a mailbox": pin(part("Fine", picture()), link="mailto:us@example.org"),
        "no picture": pin("Only words"),
        "six pictures": pin(part("Many", *kettles(6))),
        "webp": pin(part("A kettle", picture("kettle.webp", blob="webp"))),
        "no board": pin(part("A kettle", picture()), board=""),
        "a board's name": pin(part("A kettle", picture()), board="Kettles"),
    },
    yes=Answer(201, '{"id": "813744226420795884", "created_at": "2026-11-22T12:00:00", "title": "A kettle"}'),
    no='{"code": 1, "message": "No"}',
    handles={"kettle.jpg-600x600": "https://files.example/kettle.jpg"},
    public={"client_id": "1494227"},
)
