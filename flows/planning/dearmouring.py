"""OpenPGP's outer layers come off, so that gpg is asked about one signature of one commit, and one key of one file.

What a signature is worth gpg says; how often, over which bytes and by whose key it is asked is decided here.
Source: RFC 9580 (July 2024), sections 4.2 (packets), 5.2 (signatures), 5.5.4 (fingerprints), 6.2 (armour).
"""
import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import NamedTuple

SUFFIX = ".asc"
KEY_BYTES = 64_000
"""A longer file of a key holds what others say about it, or pictures: gpg can leave both out."""
SIGNATURE_BYTES = 20_000
BAD = "its signature is bad: it was changed after it was signed, or is no signature"
SEVERAL = "it has several signatures"
_SIGNATURE, _SECRET, _KEY, _SECRET_SUBKEY, _LITERAL = 2, 5, 6, 7, 11
_OF_A_KEY = (_SIGNATURE, _KEY, 12, 13, 14, 17)
"""Besides: trust, names, subkeys, pictures. gpg would also look into what is packed, and that has no end."""
_EXPORT = "Write one key into it: gpg --armor --export-options export-minimal --export FINGERPRINT"


class Key(NamedTuple):
    """An OpenPGP key that may sign. `name`: whose it is; `fingerprint`: of its primary key; `packets`: what gpg reads.
    """

    name: str
    fingerprint: str
    packets: bytes


class Fault(NamedTuple):
    """Why something in the folder of keys counts for nobody (`its …`, without a full stop), and what to do."""

    why: str
    remedy: str


class Packet(NamedTuple):
    """A piece of OpenPGP. `whole`: with its header."""

    tag: int
    whole: bytes
    body: bytes


def read_keys(files: Iterable[tuple[str, bytes]], folder: str) -> tuple[tuple[Key, ...], tuple[Fault, ...]]:
    """The keys in NAME.asc, or in NAME/anything.asc for who has several; and what counts for nobody.

    The file's name says who it is: what a key says of its owner is free text. A key below two names is nobody's, since
    one of them could stand in for the other. `files`: paths below `folder`, and their bytes.
    """
    keys: list[Key] = []
    faults: list[Fault] = []
    for path, data in sorted(files):
        read = _key(path.partition("/")[0].removesuffix(SUFFIX), f"its {folder}/{path}", data)
        if isinstance(read, Key):
            keys.append(read)
        else:
            faults.append(read)
    owners = {key.fingerprint: {one.name for one in keys if one.fingerprint == key.fingerprint} for key in keys}
    faults += [Fault(f"its {folder} has one key, {fingerprint}, as that of {' and of '.join(sorted(names))}",
                     "Leave it with one of them, and take the other file out.")
               for fingerprint, names in owners.items() if len(names) > 1]
    single = {key.fingerprint: key for key in reversed(keys) if len(owners[key.fingerprint]) == 1}
    return tuple(key for key in keys if single.get(key.fingerprint) is key), tuple(faults)


def _key(name: str, file: str, data: bytes) -> Key | Fault:
    if not name or not file.isprintable():
        return Fault(f"{file!a} says of nobody whose key it is", f"Name it after who signs: NAME{SUFFIX}.")
    if len(data) > KEY_BYTES:
        return Fault(f"{file} holds more than {KEY_BYTES:,} bytes", f"{_EXPORT}.")
    packets = _unpacked(_bare(data, b"PUBLIC KEY BLOCK"))
    if b"PRIVATE KEY" in data or any(one.tag in (_SECRET, _SECRET_SUBKEY) for one in packets):
        return Fault(f"{file} holds a secret key, which whoever reads the repository now has", "Revoke that key.")
    number = sum(one.tag == _KEY for one in packets)
    if not number or packets[0].tag != _KEY:
        return Fault(f"{file} is no public key as text in one block", f"{_EXPORT}.")
    if number > 1:
        return Fault(f"{file} holds {number} keys", f"{_EXPORT}; who has two keys has a folder: {name}/laptop{SUFFIX}.")
    if any(one.tag not in _OF_A_KEY for one in packets):
        return Fault(f"{file} holds more than a key and what belongs to it", f"{_EXPORT}.")
    body = packets[0].body
    if body[:1] != b"\x04":
        return Fault(f"{file} holds a key of another version than 4", "List a key that every gpg knows, of version 4.")
    hashed = b"\x99" + len(body).to_bytes(2, "big") + body
    return Key(name, hashlib.sha1(hashed, usedforsecurity=False).hexdigest().upper(),
               b"".join(one.whole for one in packets))


def question(commit: bytes, header: bytes) -> bytes | str:
    """A commit with its signature as one message that gpg can verify; or in words why nothing can be asked.

    `header`: under which name Git keeps it. There has to be one signature, in one packet, over the bytes as they are:
    else what gpg verifies might not be what Git reads.
    """
    payload, armours = _parted(commit)
    if len(armours) != 1:
        return SEVERAL
    name, armour = armours[0]
    packets = _unpacked(_bare(armour, b"SIGNATURE") if len(armour) <= SIGNATURE_BYTES else b"")
    if name != header or not packets or any(one.tag != _SIGNATURE for one in packets):
        return BAD
    if len(packets) > 1:
        return SEVERAL
    if packets[0].body[:2] != b"\x04\x00":                        # version 4, over a binary document, as Git asks for
        return "its signature is of another kind than those that Git makes"
    literal = b"b\0\0\0\0\0" + payload                            # a binary document without name and date
    return packets[0].whole + bytes((0xC0 | _LITERAL, 0xFF)) + len(literal).to_bytes(4, "big") + literal


def _parted(commit: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """What was signed, and each signature in the head of a commit, after the name of its header."""
    head, blank, message = commit.partition(b"\n\n")
    kept: list[bytes] = []
    found: list[tuple[bytes, list[bytes]]] = []
    inside = False
    for line in head.removesuffix(b"\n").split(b"\n"):
        name, _, rest = line.partition(b" ")
        if name.startswith(b"gpgsig"):
            found.append((name, [rest]))
            inside = True
        elif inside and not name:
            found[-1][1].append(rest)
        else:
            kept.append(line)
            inside = False
    signed = b"".join(b"%s\n" % line for line in kept) + blank[1:] + message
    return signed, [(name, b"\n".join(lines)) for name, lines in found]


def _bare(text: bytes, kind: bytes) -> bytes:
    """What the one block of armour holds that `text` is; empty where it is none. Its checksum says nothing new."""
    lines = [line.strip() for line in text.strip().split(b"\n")]
    if lines[0] != b"-----BEGIN PGP %s-----" % kind or lines[-1] != b"-----END PGP %s-----" % kind or b"" not in lines:
        return b""
    body = lines[lines.index(b"") + 1:-1]                         # before it: Version, Comment and the like
    if body and body[-1].startswith(b"="):
        body.pop()
    try:
        return base64.b64decode(b"".join(body), validate=True)
    except binascii.Error:
        return b""


def _unpacked(data: bytes) -> tuple[Packet, ...]:
    """The packets that fill `data` exactly; none where they do not, or where one does not say how long it is."""
    found: list[Packet] = []
    at = 0
    while at < len(data):
        start, length = _body(data, at)
        if start == 0 or start + length > len(data):
            return ()
        tag = data[at] & 0x3F if data[at] & 0x40 else data[at] >> 2 & 0x0F
        found.append(Packet(tag, data[at:start + length], data[start:start + length]))
        at = start + length
    return tuple(found)


def _body(data: bytes, at: int) -> tuple[int, int]:
    """Where the body of the packet at `at` begins, and how long it is; it begins at 0 where that is no packet."""
    first, size = data[at], data[at + 1] if at + 1 < len(data) else 224
    if not first & 0x80 or (first & 0x40 and 224 <= size < 255) or (not first & 0x40 and first & 3 == 3):
        return 0, 0                                               # partial and open lengths are for streams
    if not first & 0x40:
        start = at + 1 + (1 << (first & 3))
        return start, int.from_bytes(data[at + 1:start], "big")
    if size == 255:
        return at + 6, int.from_bytes(data[at + 2:at + 6], "big")
    if size < 192:
        return at + 2, size
    return at + 3, (size - 192 << 8) + 192 + int.from_bytes(data[at + 2:at + 3], "big")
