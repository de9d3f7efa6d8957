"""OpenPGP's outer layers: what gpg is asked, and by which keys. Packets are made by hand here; gpg has no part."""
import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis.strategies import binary, sampled_from

from flows.planning.dearmouring import BAD, KEY_BYTES, SEVERAL, SIGNATURE_BYTES, Fault, question, read_keys

FOLDER = "content/people/openpgp"
HEAD = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n"
NO_KEY = " is no public key as text in one block"
SECRET = " holds a secret key, which whoever reads the repository now has"
SIGNATURE_BODY = b"\x04\x00\x16\x08" + b"s" * 60


def packet(tag: int, body: bytes) -> bytes:
    return bytes((0xC0 | tag, 0xFF)) + len(body).to_bytes(4, "big") + body


def armoured(kind: str, data: bytes) -> bytes:
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN PGP {kind}-----\nComment: by hand\n\n{text}=AAAA\n-----END PGP {kind}-----\n".encode()


def key(body: bytes = b"\x04ann", *more: bytes) -> bytes:
    """A file of one key, with a user id and whatever else."""
    return armoured("PUBLIC KEY BLOCK", packet(6, body) + packet(13, b"The Boss") + b"".join(more))


def header(armour: bytes, name: bytes = b"gpgsig") -> bytes:
    return name + b" " + armour.strip().replace(b"\n", b"\n ") + b"\n"


def commit(*headers: bytes, message: bytes = b"\nChange\n") -> bytes:
    return HEAD + b"".join(headers) + message


SIGNED = header(armoured("SIGNATURE", packet(2, SIGNATURE_BODY)))


# --- keys -------------------------------------------------------------------------------------------------------------

def test_a_file_is_a_key_and_its_name_is_who():
    """NAME.asc, and NAME/anything.asc for who has several; what the key says of its owner is not asked."""
    keys, faults = read_keys([("ben@mill.example/b.asc", key(b"\x04b")), ("ann.asc", key()),
                              ("ben@mill.example/a.asc", key(b"\x04a"))], FOLDER)

    assert [(one.name, one.fingerprint) for one in keys] == [
        (name, hashlib.sha1(b"\x99\x00" + bytes((len(body),)) + body).hexdigest().upper())
        for name, body in [("ann", b"\x04ann"), ("ben@mill.example", b"\x04a"), ("ben@mill.example", b"\x04b")]]
    assert faults == ()


@pytest.mark.parametrize(("data", "why"), [
    (b"", NO_KEY),
    (b"mQENBF", NO_KEY),
    (packet(6, b"\x04ann"), NO_KEY),
    (key() + key(b"\x04eve"), NO_KEY),
    (armoured("PUBLIC KEY BLOCK", packet(13, b"Ann") + packet(6, b"\x04ann")), NO_KEY),
    (armoured("PUBLIC KEY BLOCK", packet(6, b"\x04ann") + b"\x99"), NO_KEY),
    (armoured("PUBLIC KEY BLOCK", b"\xc6\xe1x"), NO_KEY),
    (key(b"\x04ann", packet(6, b"\x04eve")), " holds 2 keys"),
    (key(b"\x04ann", packet(8, b"\x02packed")), " holds more than a key and what belongs to it"),
    (key(b"\x06ann"), " holds a key of another version than 4"),
    (armoured("PRIVATE KEY BLOCK", packet(5, b"\x04ann")), SECRET),
    (key(b"\x04ann", packet(7, b"\x04sub")), SECRET),
    (key() + b" " * KEY_BYTES, " holds more than 64,000 bytes")])
def test_what_is_not_one_public_key_counts_for_nobody(data, why):
    """Whole keyrings, secret keys, other versions, other files: each is told, and the next file counts all the same."""
    keys, faults = read_keys([("ann.asc", data), ("ben.asc", key(b"\x04ben"))], FOLDER)

    assert [one.name for one in keys] == ["ben"]
    assert [(one.why, bool(one.remedy)) for one in faults] == [(f"its {FOLDER}/ann.asc{why}", True)]


def test_a_key_of_two_is_nobody_s():
    """Who is listed twice could be their own second pair of eyes; twice under one name is once."""
    keys, faults = read_keys([("ann.asc", key()), ("zoe.asc", key()), ("ben.asc", key(b"\x04b")),
                              ("ben/old.asc", key(b"\x04b"))], FOLDER)

    assert [one.name for one in keys] == ["ben"]
    (fault,) = faults
    assert fault.why.startswith(f"its {FOLDER} has one key, ")
    assert fault.why.endswith(", as that of ann and of zoe")


@pytest.mark.parametrize("name", [".asc", "a\x1b[2Kb.asc", "a\u202eb.asc"])
def test_a_name_that_nobody_can_read_is_none(name):
    """A file's name is shown as who signed."""
    keys, (fault,) = read_keys([(name, key())], FOLDER)
    assert keys == ()
    assert fault.why.isprintable()


@given(binary(max_size=200), sampled_from(["PUBLIC KEY BLOCK", "SIGNATURE"]))
def test_any_bytes_are_a_key_or_a_fault(data, kind):
    """Whatever lies there, reading it ends."""
    keys, faults = read_keys([("ann.asc", armoured(kind, data)), ("ben.asc", data)], FOLDER)
    assert len(keys) + len(faults) >= 2
    assert all(isinstance(one, Fault) for one in faults)


# --- signatures -------------------------------------------------------------------------------------------------------

def literal(payload: bytes) -> bytes:
    return packet(11, b"b\0\0\0\0\0" + payload)


@pytest.mark.parametrize("message", [b"\nChange\n", b"\ngpgsig no header\n", b"\n\n\n", b"\n", b"\nwith\r\0bytes"])
def test_a_commit_becomes_one_message(message):
    """What gpg gets is the signature, then all of the commit but that."""
    other = b"mergetag object 1\n gpgsig of a tag\n -----BEGIN PGP SIGNATURE-----\n"
    asked = question(commit(other, SIGNED, b"encoding UTF-8\n", message=message), b"gpgsig")

    assert asked == packet(2, SIGNATURE_BODY) + literal(HEAD + other + b"encoding UTF-8\n" + message)


def test_short_headers_of_packets_are_read_too():
    """Old and new headers of one, two and four bytes: gpg, forges and libraries each write their own."""
    body = b"\x04\x00" + b"s" * 300
    for whole in (b"\x89" + len(body).to_bytes(2, "big") + body, b"\x8a" + len(body).to_bytes(4, "big") + body,
                  b"\xc2" + bytes((192 + (len(body) - 192 >> 8), len(body) - 192 & 255)) + body,
                  b"\x88\x42" + body[:66], b"\xc2\x42" + body[:66]):
        assert question(commit(header(armoured("SIGNATURE", whole))), b"gpgsig") == whole + literal(commit())


SECOND = packet(2, SIGNATURE_BODY)


@pytest.mark.parametrize(("headers", "why"), [
    ([SIGNED, SIGNED], SEVERAL),
    ([SIGNED, header(armoured("SIGNATURE", SECOND), b"gpgsig-sha256")], SEVERAL),
    ([SIGNED, header(b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----")], SEVERAL),
    ([header(armoured("SIGNATURE", SECOND * 2))], SEVERAL),
    ([header(armoured("SIGNATURE", SECOND), b"gpgsig-sha256")], BAD),
    ([header(armoured("SIGNATURE", SECOND) + armoured("SIGNATURE", SECOND))], BAD),
    ([header(armoured("MESSAGE", SECOND))], BAD),
    ([header(armoured("SIGNATURE", SECOND + literal(b"something else")))], BAD),
    ([header(armoured("SIGNATURE", packet(8, b"\x00packed")))], BAD),
    ([header(armoured("SIGNATURE", SECOND + b"\xc2"))], BAD),
    ([header(armoured("SIGNATURE", SECOND[:-1]))], BAD),
    ([header(armoured("SIGNATURE", b""))], BAD),
    ([header(armoured("SIGNATURE", b"\xc2\xe1" + SIGNATURE_BODY))], BAD),
    ([header(armoured("SIGNATURE", packet(2, b"s" * SIGNATURE_BYTES)))], BAD),
    ([header(armoured("SIGNATURE", packet(2, b"\x04\x01" + b"s" * 60)))],
     "its signature is of another kind than those that Git makes"),
    ([header(armoured("SIGNATURE", packet(2, b"\x03\x05" + b"s" * 60)))],
     "its signature is of another kind than those that Git makes")])
def test_what_could_mean_two_things_is_not_asked(headers, why):
    """Several signatures, signed messages that bring their own text, packets in packets, the header of another Git."""
    assert question(commit(*headers), b"gpgsig") == why


@given(binary(max_size=200))
def test_any_bytes_are_a_question_or_none(data):
    """Whatever a commit holds for a signature, gpg is asked about the commit, or about nothing."""
    asked = question(commit(header(armoured("SIGNATURE", data))), b"gpgsig")
    assert isinstance(asked, str) or asked == data + literal(commit())
    assert isinstance(question(data, b"gpgsig"), str)
