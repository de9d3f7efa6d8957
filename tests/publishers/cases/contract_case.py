"""What the contract suite must know of a network: `<network>_case.py` beside this file names it `CASE`."""
import io
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from PIL import Image

from schemas.content import Probe
from schemas.errors import PublishError
from schemas.ledger import Slot
from schemas.message import Media, Message, Part
from schemas.place import Place

POST = "content/posts/kettle.md"
OURS, THEIRS = "@us", "@them"
FAULTS = ("401", "429", "503", "500 before effect", "500 after effect", "hang up before", "hang up after effect",
          "stall", "stall after effect", "truncate", "not JSON", "slow", "late effect")


class Answer(NamedTuple):
    """An answer to a create call, as it stands on the wire. `headers`: whole lines."""

    status: int
    body: str
    headers: tuple[str, ...] = ()


class Case(NamedTuple):
    """One network. Credentials are those that its twin takes; messages are for channel `us`, account `@us`.

    `goes`: what goes out: "plain", and where there is such a thing "picture" (with alt text), "thread", "comment"…
    `rows`: rows of `test_once` that mean something else here, by the network's documents; None: a yes.
    """

    network: str
    credentials: Mapping[str, str]       # of @us at the twin
    strangers: Mapping[str, str]         # of @them
    dead: Mapping[str, str]              # of @us, valid no more
    goes: Mapping[str, Message]
    refused: Mapping[str, Message]       # what the network's documents say it refuses: check says so, so does the twin
    yes: Answer | None                   # its yes to the create call of `goes["plain"]`; None: it does not talk HTTP
    no: str = ""                         # the body of a refusal, in its own form
    faults: tuple[str, ...] = FAULTS     # those of the script that can strike it
    handles: Mapping[str, str] = {}      # handles that `publish` needs for "plain" when nothing was prepared (a draft)
    public: Mapping[str, str] = {}       # fields that hold no secret, with a value
    method: str = "POST"                 # of the create call
    rows: Mapping[str, type[PublishError] | None] = {}


def picture(name: str = "kettle.jpg", alt: str | None = "A kettle", **more: Any) -> Media:
    """An image that is in FILES by its `blob`, unless `blob` is given."""
    width, height = more.pop("width", 600), more.pop("height", 600)
    blob = more.pop("blob", None) or f"{name}-{width}x{height}"
    if blob not in FILES:
        FILES[blob] = drawn(name, width, height)
    kind = {"jpg": "jpeg"}.get(name.rpartition(".")[2], name.rpartition(".")[2])
    return Media(**{"file": f"content/media/{name}", "blob": blob, "size": len(FILES[blob]), "alt": alt,
                    "place": Place(POST, 4), "probe": Probe(kind, width, height), **more})


def film(name: str = "kettle.mp4", seconds: float = 12.0, **more: Any) -> Media:
    """A video that is in FILES: an MP4 whose boxes are whole and whose frames are noise."""
    FILES.setdefault("film", _mp4(int(seconds * 1000)))
    return Media(**{"file": f"content/media/{name}", "blob": "film", "size": len(FILES["film"]),
                    "alt": "A kettle boils", "place": Place(POST, 4),
                    "probe": Probe("mp4", 1280, 720, seconds), **more})


def part(text: str, *media: Media, kind: Any = "post", markdown: str | None = None) -> Part:
    return Part(kind=kind, text=text, media=media, place=Place(POST, 7),
                markdown=text if markdown is None else markdown)


def message(network: str, *parts: Part | str, post: str = "posts/kettle", **more: Any) -> Message:
    made = tuple(part(one) if isinstance(one, str) else one for one in parts)
    return Message(slot=Slot(post, "us"), network=network, account=OURS, parts=made, **more)


def drawn(name: str, width: int, height: int) -> bytes:
    """An image file of that size, in the format that its name says."""
    form = {"jpg": "JPEG", "jpeg": "JPEG"}.get(name.rpartition(".")[2], name.rpartition(".")[2].upper())
    made = io.BytesIO()
    Image.new("RGB", (width, height), (31, 111, 139)).save(made, form)
    return made.getvalue()


def _mp4(milliseconds: int) -> bytes:
    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body) + 8) + kind + body

    brand = box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2avc1mp41")
    head = struct.pack(">IIIII", 0, 0, 0, 1000, milliseconds) + bytes(80)
    return brand + box(b"moov", box(b"mvhd", head)) + box(b"mdat", bytes(range(256)) * 40)


FILES: dict[str, bytes] = {}
"""The bytes of every file that a case names, by `Media.blob`."""
