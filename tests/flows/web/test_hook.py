"""A push reaches the publisher as a mark, and only a signed one does (threats, A7 and A8): real server, real sockets.

Signatures are made here by openssl or by a few lines of hmac, never by the code under test.
"""
import base64
import hashlib
import hmac
import json
import secrets
import socket
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

KEY, OTHER_KEY = "k7Xw0mPq2Rt5Yv8Zb1Nc4Md6", "J3hGf5Ds9Aq1We7Rt2Yu8Io0"
SIGNING = "whsec_" + base64.b64encode(bytes(range(32))).decode()
COMMIT = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"
OURS = "refs/heads/main"
PATIENCE_S = 20.0


def a_push(ref: str = OURS, after: str = COMMIT, **more: Any) -> bytes:
    """The fields of a push that every forge sends, and some that nobody needs."""
    said = {"ref": ref, "before": "f" * 40, "after": after, "repository": {"name": "millrace", "id": 15},
            "commits": [{"id": after, "message": "Sharpen", "author": {"name": "Wren"}}], **more}
    return json.dumps(said).encode()


def hex_of(body: bytes, key: str = KEY) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


# What the forges send, as their documentation and sources have it; names and signatures are made anew for each call.


def github(body: bytes, event: str = "push", key: str = KEY, name: str | None = None) -> dict[str, str]:
    sha1 = hmac.new(key.encode(), body, hashlib.sha1).hexdigest()
    return {"User-Agent": "GitHub-Hookshot/044aadd", "Accept": "*/*", "Content-Type": "application/json",
            "X-GitHub-Delivery": name or "72d3162e-cc78-11e3-81ab-" + secrets.token_hex(6), "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": "292430182", "X-GitHub-Hook-Installation-Target-ID": "79929171",
            "X-GitHub-Hook-Installation-Target-Type": "repository", "X-Hub-Signature": f"sha1={sha1}",
            "X-Hub-Signature-256": f"sha256={hex_of(body, key)}"}


def gitea(body: bytes, event: str = "push", key: str = KEY, name: str | None = None) -> dict[str, str]:
    name = name or "f6266f16-1bf3-46a5-9ea4-" + secrets.token_hex(6)
    signature, sha1 = hex_of(body, key), hmac.new(key.encode(), body, hashlib.sha1).hexdigest()
    return {"User-Agent": "Go-http-client/1.1", "Content-Type": "application/json", "X-Gitea-Delivery": name,
            "X-Gitea-Event": event, "X-Gitea-Event-Type": event, "X-Gitea-Signature": signature,
            "X-Gogs-Delivery": name, "X-Gogs-Event": event, "X-Gogs-Event-Type": event, "X-Gogs-Signature": signature,
            "X-Hub-Signature": f"sha1={sha1}", "X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Delivery": name,
            "X-GitHub-Event": event, "X-GitHub-Event-Type": event}


def forgejo(body: bytes, event: str = "push", key: str = KEY, name: str | None = None) -> dict[str, str]:
    more = gitea(body, event, key, name)
    return {**more, "X-Forgejo-Delivery": more["X-Gitea-Delivery"], "X-Forgejo-Event": event,
            "X-Forgejo-Event-Type": event, "X-Forgejo-Signature": hex_of(body, key)}


def gitlab(body: bytes, event: str = "push", key: str = KEY, name: str | None = None) -> dict[str, str]:
    called = {"push": "Push Hook", "issues": "Issue Hook"}[event]
    return {"User-Agent": "GitLab/18.1.0", "Content-Type": "application/json",
            "Idempotency-Key": name or "f5e5f430-f57b-4e6e-9fac-" + secrets.token_hex(6), "X-Gitlab-Event": called,
            "X-Gitlab-Event-UUID": "13792a34-cac6-4fda-95a8-" + secrets.token_hex(6),
            "X-Gitlab-Webhook-UUID": "02affd2d-2cba-4033-917d-ec22d5dc4b38",
            "X-Gitlab-Instance": "https://gitlab.example", "X-Gitlab-Token": key}


def gitlab_signing(body: bytes, event: str = "push", key: str = SIGNING, name: str | None = None,
                   sent: int | None = None) -> dict[str, str]:
    """With a signing token: Standard Webhooks' headers, and no X-Gitlab-Token."""
    headers = gitlab(body, event, name=name)
    del headers["X-Gitlab-Token"]
    id, at = headers["Idempotency-Key"], str(sent if sent is not None else int(time.time()))
    signed = hmac.new(base64.b64decode(key[6:]), f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {**headers, "webhook-id": id, "webhook-timestamp": at,
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}"}


FORGES = (github, gitea, forgejo, gitlab)
SIGNERS = (github, gitea, forgejo, gitlab_signing)


def call(app, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Status and state of the answer."""
    answer = ask(app, body, headers)
    return answer.status_code, answer.json()["state"]


def ask(app, body: Any, headers: Any) -> httpx.Response:
    """The whole answer."""
    with a_client() as client:
        return client.post(f"{app.url}/hook", content=body, headers=headers)


def a_client() -> httpx.Client:
    """Without certificates, whose reading takes longer than a call."""
    return httpx.Client(verify=False, trust_env=False, timeout=PATIENCE_S)


@pytest.fixture
def app(hosted):
    """The web app with a secret for each kind of forge, and nobody to tell."""
    return hosted(DRUMBEAT_HOOK_SECRET=f"{KEY} {SIGNING}")


# --- what is true --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forge", [*FORGES, gitlab_signing])
def test_a_signed_push_leaves_the_mark(app, forge):
    """A push of our branch, signed as the forge signs, leaves the mark that the publisher looks at."""
    body = a_push()

    assert call(app, body, forge(body)) == (202, "accepted")
    assert app.nudged() > 0


def test_the_signature_that_openssl_makes_is_taken(app):
    """The signature is HMAC-SHA256 over the raw body as openssl has it, not as our own code has it."""
    body = a_push(note="ü\u2028")
    words = ["openssl", "dgst", "-sha256", "-hmac", KEY, "-r"]
    signature = subprocess.run(words, input=body, capture_output=True, check=True).stdout.decode().split()[0]

    assert call(app, body, github(body) | {"X-Hub-Signature-256": f"sha256={signature}"}) == (202, "accepted")


def test_githubs_own_example_of_a_signature_is_taken(hosted):
    """The pair of payload and signature that GitHub's documentation gives is proven; it is signed, and no push."""
    app = hosted(DRUMBEAT_HOOK_SECRET="[HOOK]-not-this-one")      # GitHub's secret has spaces, which part secrets here
    body, key = b"Hello, World!", "It's a Secret to Everybody"
    assert hex_of(body, key) == "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert call(app, body, github(body, key=key)) == (401, "forged")
    assert hex_of(body, "[HOOK]-not-this-one") != hex_of(body, key)
    assert call(app, body, github(body, key="[HOOK]-not-this-one")) == (400, "unreadable")


def test_githubs_form_is_read_as_its_json(app):
    """A webhook that GitHub sends as a form, its default, counts like one sent as JSON."""
    body = urlencode({"payload": a_push().decode()}).encode()

    headers = github(body) | {"Content-Type": "application/x-www-form-urlencoded"}

    assert call(app, body, headers) == (202, "accepted")


def test_a_ping_is_answered(app):
    """GitHub's first call finds the hook set up; nothing is fetched for it."""
    body = json.dumps({"zen": "Keep it logically awesome.", "hook_id": 292430182}).encode()

    assert call(app, body, github(body, "ping")) == (200, "ping")
    assert app.nudged() == 0


def test_two_secrets_count_while_one_takes_the_others_place(hosted):
    """While a secret is being changed, calls signed with the old and with the new one are both true."""
    app = hosted(DRUMBEAT_HOOK_SECRET=f"{KEY}\n{OTHER_KEY}")
    first, second, third = a_push(n=1), a_push(n=2), a_push(n=3)

    assert call(app, first, gitea(first, key=KEY)) == (202, "accepted")
    assert call(app, second, gitea(second, key=OTHER_KEY)) == (202, "accepted")
    assert call(app, third, gitea(third, key="neither-of-the-two-secrets")) == (401, "forged")


def test_the_secret_may_stand_in_the_credentials_file(hosted, content_folder):
    """Without the variable the secret comes from [HOOK] of the credentials' file."""
    folder = content_folder()
    folder.commit()
    file = folder.home / ".drumbeat/credentials.toml"
    file.parent.mkdir()
    file.touch(0o600)
    file.write_text(f'[HOOK]\nsecret = "{KEY}"\n')
    body = a_push()

    assert call(hosted(folder.home), body, github(body)) == (202, "accepted")


def test_prefect_is_told_with_branch_and_commit(hosted, a_prefect):
    """A push becomes the event drumbeat.content.pushed, with the branch and the commit that it moved to."""
    app = hosted(DRUMBEAT_HOOK_SECRET=KEY, PREFECT_API_URL=a_prefect.url)
    body = a_push()

    call(app, body, github(body, name="72d3162e-cc78-11e3-81ab-4c9367dc0958"))

    assert a_prefect.events(1) == [{
        "event": "drumbeat.content.pushed",
        "resource": {"prefect.resource.id": "drumbeat.content.main", "prefect.resource.name": "main"}, "related": [],
        "payload": {"branch": "main", "commit": COMMIT, "forge": "GitHub",
                    "delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}}]


def test_a_commit_that_looks_like_none_is_not_passed_on(hosted, a_prefect):
    """What stands where the commit should is passed on only if it looks like one."""
    app = hosted(DRUMBEAT_HOOK_SECRET=KEY, PREFECT_API_URL=a_prefect.url)
    body = a_push(after="$(reboot)")

    assert call(app, body, github(body)) == (202, "accepted")
    assert [event["payload"]["commit"] for event in a_prefect.events(1)] == [None]


# --- A7: forged ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forge", [*FORGES, gitlab_signing])
def test_a_push_signed_by_a_stranger_is_refused(app, forge):
    """A wrong secret is answered with 401, and nothing is fetched."""
    body = a_push()
    key = "whsec_" + base64.b64encode(b"s" * 32).decode() if forge is gitlab_signing else "the-secret-of-a-stranger"

    assert call(app, body, forge(body, key=key)) == (401, "forged")
    assert app.nudged() == 0


@pytest.mark.parametrize("forge", SIGNERS)
def test_one_byte_changed_is_refused(app, forge):
    """A body that differs in one byte from what was signed is refused: the first, the last, or one within."""
    body = a_push()
    headers = forge(body)
    for at in (0, len(body) // 2, len(body) - 1):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
        assert call(app, changed, headers) == (401, "forged")
    assert call(app, body + b" ", headers) == (401, "forged")

    assert app.nudged() == 0


@pytest.mark.parametrize(("forge", "proof"), [
    (github, "X-Hub-Signature-256"), (gitea, "X-Gitea-Signature"), (forgejo, "X-Forgejo-Signature"),
    (gitlab, "X-Gitlab-Token"), (gitlab_signing, "webhook-signature")])
def test_a_proof_that_is_missing_or_none_is_refused(app, forge, proof):
    """Without its proof, or with something in its place, a call is refused; no other header makes up for it."""
    body = a_push()
    headers = {name: value for name, value in forge(body).items() if name != proof}

    assert call(app, body, headers) == (401, "unsigned")
    for left in (b"", b"sha256=", b"0" * 64, b"sha256=" + b"0" * 64, b"v1,", b"v1,AAAA v2,AAAA", b"\xc3\xa9", b"\xff"):
        assert ask(app, body, {**headers, proof: left}).status_code == 401
    assert app.nudged() == 0


def test_a_signing_token_is_no_plain_token(hosted):
    """Who sends the signing token itself has not signed anything, and a plain secret does not sign for it."""
    app = hosted(DRUMBEAT_HOOK_SECRET=SIGNING)
    body = a_push()

    assert call(app, body, gitlab(body, key=SIGNING)) == (401, "forged")
    assert call(app, body, github(body, key=SIGNING)) == (401, "forged")
    assert app.nudged() == 0


def test_nothing_is_parsed_before_it_is_proven(app):
    """A body that would break a parser is answered like any forged one; signed, it is told apart."""
    deep = b"[" * 200_000

    assert call(app, deep, github(deep, key="the-secret-of-a-stranger")) == (401, "forged")
    assert call(app, deep, github(deep)) == (400, "unreadable")
    assert app.nudged() == 0


def test_without_a_secret_no_push_is_taken(hosted, heard):
    """No secret configured: nobody gets in, and the log says what to set."""
    app = hosted()
    body = a_push()

    assert call(app, body, github(body, key="")) == (503, "no secret")
    assert "DRUMBEAT_HOOK_SECRET" in heard.wait_for("no secret is set")
    assert app.nudged() == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_only_a_post_reaches_the_hook(app, method):
    """Any other method is refused: Forgejo and Gitea can be set to GET."""
    body = a_push()

    answer = httpx.request(method, f"{app.url}/hook", content=body, headers=forgejo(body))

    assert answer.status_code == 405
    assert app.nudged() == 0


def test_the_secret_is_in_no_log_and_no_answer(app, heard):
    """Neither the log nor an answer has a secret, a signature or the body in it."""
    body, wrong = a_push(note="a body nobody repeats"), a_push(n=2)
    answers = [ask(app, said, headers).text for said, headers in (
        (body, github(body)), (wrong, gitlab(wrong, key="the-token-of-a-stranger")), (body, gitlab(body)))]
    heard.wait_for("refused")

    said = "\n".join([*heard.lines, *answers])
    for secret in (KEY, SIGNING, hex_of(body), "the-token-of-a-stranger", "a body nobody repeats"):
        assert secret not in said


# --- which pushes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forge", FORGES)
def test_only_our_branch_counts(app, forge):
    """Another branch, a tag named like ours, or a name that Git could take for it: answered, and nothing is fetched."""
    for ref in ("refs/heads/other", "refs/tags/main", "main", "refs/heads/main^{}", "refs/heads/Main",
                "refs/heads/main/x", "refs/remotes/origin/main", ""):
        body = a_push(ref)
        assert call(app, body, forge(body)) == (202, "other branch")

    assert app.nudged() == 0


def test_the_tag_event_of_gitlab_is_no_push(app):
    """GitLab tells of a tag by another name; under ours it is not believed either."""
    body = a_push("refs/heads/main", object_kind="tag_push")

    assert call(app, body, gitlab(body) | {"X-Gitlab-Event": "Tag Push Hook"}) == (202, "other event")
    assert call(app, body, gitlab(body)) == (202, "other event")
    assert app.nudged() == 0


@pytest.mark.parametrize("forge", FORGES)
def test_a_deleted_branch_is_not_fetched(app, forge, heard):
    """When our branch is deleted the last good plan stays in force, and the log says so."""
    body = a_push(after="0" * 40, deleted=True, checkout_sha=None)

    assert call(app, body, forge(body)) == (202, "deleted")
    heard.wait_for("branch deleted")
    assert app.nudged() == 0


def test_other_events_are_let_pass(app):
    """An event that is no push is answered, and nothing is fetched."""
    body = json.dumps({"action": "opened", "ref": OURS}).encode()

    assert call(app, body, github(body, "issues")) == (202, "other event")
    assert call(app, body, gitlab(body, "issues")) == (202, "other event")
    assert app.nudged() == 0


def test_a_signed_body_that_is_no_push_is_said_so(app):
    """Signed JSON without a ref is refused as unreadable, whatever kind of value it is."""
    for body in (b"", b"{}", b"[]", b"null", b'{"ref": 7}', b"not json", b'{"ref":"refs/heads/main"', b"\xff\xfe"):
        assert call(app, body, github(body)) == (400, "unreadable")
    assert app.nudged() == 0


def test_the_branch_of_the_settings_counts(hosted, content_folder):
    """Where another branch is published, only its pushes count; its name may have a slash."""
    folder = content_folder()
    folder.commit()
    app = hosted(folder.home, DRUMBEAT_HOOK_SECRET=KEY, DRUMBEAT_BRANCH="release/live")
    main, live = a_push(), a_push("refs/heads/release/live")

    assert call(app, main, github(main)) == (202, "other branch")
    assert call(app, live, github(live)) == (202, "accepted")


# --- A8: replayed, too large, too many -----------------------------------------------------------------------------


@pytest.mark.parametrize("forge", [*FORGES, gitlab_signing])
def test_the_same_delivery_twice_is_one_push(app, forge):
    """A delivery that comes again leaves no second mark."""
    body = a_push()
    headers = forge(body)
    assert call(app, body, headers) == (202, "accepted")
    mark = app.nudged()

    assert call(app, body, headers) == (200, "seen already")
    assert app.nudged() == mark


@pytest.mark.parametrize("forge", [github, gitea, forgejo])
def test_a_replay_under_another_name_is_known_by_its_body(app, forge):
    """The delivery's name is not signed by these forges: what is replayed with a new one is known all the same."""
    body = a_push()
    assert call(app, body, forge(body)) == (202, "accepted")
    mark = app.nudged()

    assert call(app, body, forge(body)) == (200, "seen already")
    assert app.nudged() == mark


@pytest.mark.parametrize("away_s", [-400, 400])
def test_an_old_or_early_signing_time_is_refused(app, away_s):
    """With a signing token a call counts for five minutes; a replay after that is as good as forged."""
    body = a_push()

    assert call(app, body, gitlab_signing(body, sent=int(time.time()) + away_s)) == (401, "forged")
    assert app.nudged() == 0


def test_the_signed_time_and_name_cannot_be_changed(app):
    """Standard Webhooks sign the name and the time too: neither can be made new for a replay."""
    body = a_push()
    headers = gitlab_signing(body)
    later = str(int(headers["webhook-timestamp"]) + 1)

    assert call(app, body, headers | {"webhook-id": "another"}) == (401, "forged")
    assert call(app, body, headers | {"webhook-timestamp": later}) == (401, "forged")
    assert call(app, body, headers | {"webhook-timestamp": "never"}) == (401, "unsigned")


def test_a_body_that_says_it_is_too_large_is_refused_unread(app):
    """A length above a million bytes is answered with 413 before a byte of the body is waited for."""
    head = _head(app, github(b"x")) + "Content-Length: 1000001\r\n\r\n"

    assert _answered(app, head.encode()) == 413
    assert app.nudged() == 0


def test_a_body_in_pieces_is_refused_when_it_grows_too_large(app):
    """A chunked body tells no length: it is refused once it has more than a million bytes, though it never ends."""
    head = _head(app, github(b"x")) + "Transfer-Encoding: chunked\r\n\r\n"
    piece = b"%x\r\n" % 65_536 + b"x" * 65_536 + b"\r\n"

    assert _answered(app, head.encode(), *[piece] * 17) == 413
    assert app.nudged() == 0


def test_a_million_bytes_are_taken(app):
    """The largest body that is allowed counts, in one piece or in many."""
    empty = len(a_push(pad=""))
    body = a_push(pad="x" * (1_000_000 - empty))
    assert len(body) == 1_000_000

    assert ask(app, iter([body[:400_000], body[400_000:]]), github(body)).status_code == 202
    assert app.nudged() > 0


def test_an_unsigned_call_is_answered_before_its_body_came(app):
    """A call without a signature gets its 401 at once; its body is never waited for."""
    headers = github(b"x")
    del headers["X-Hub-Signature-256"]
    head = _head(app, headers) + "Content-Length: 900000\r\n\r\n"

    assert _answered(app, head.encode()) == 401


def test_a_thousand_pushes_leave_one_mark_at_a_time(hosted, a_prefect):
    """A flood of true pushes: some are taken, the rest is told to wait; one mark lies there, and few events go out."""
    app = hosted(DRUMBEAT_HOOK_SECRET=KEY, PREFECT_API_URL=a_prefect.url)
    bodies = [a_push(n=n) for n in range(1000)]

    with a_client() as client, ThreadPoolExecutor(8) as many:
        post = partial(client.post, f"{app.url}/hook")
        answers = list(many.map(lambda body: post(content=body, headers=github(body)), bodies))

    found = Counter(answer.status_code for answer in answers)
    assert set(found) == {202, 429}
    assert 60 <= found[202] < 200
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers if answer.status_code == 429)
    assert [file.name for file in (app.home / ".drumbeat").iterdir() if file.name == "pushed"] == ["pushed"]
    assert len(a_prefect.events(1)) <= found[202]


def test_a_flood_of_forged_calls_keeps_no_true_one_out(app):
    """A thousand forged calls are refused, soon without a word in the log; a true push among them is taken."""
    body = a_push()
    wrong = github(body, key="the-secret-of-a-stranger")
    over, found = threading.Event(), list[int]()

    def flood() -> None:
        with a_client() as client:
            for _ in range(250):
                found.append(client.post(f"{app.url}/hook", content=body, headers=wrong).status_code)

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(found) < 200 and not over.wait(0.01):
        pass
    assert call(app, body, github(body)) == (202, "accepted")
    for thread in threads:
        thread.join()

    assert len(found) == 1000
    assert set(found) == {401, 429}
    assert Counter(found)[429] > 800


def test_a_refused_call_is_logged_a_few_times_only(app, heard):
    """Whoever floods the hook cannot fill the disk: beyond the first ones nothing is written."""
    body = a_push()
    wrong = github(body, key="the-secret-of-a-stranger")

    with a_client() as client:
        for _ in range(200):
            client.post(f"{app.url}/hook", content=body, headers=wrong)

    assert len([line for line in heard.lines if "refused" in line]) < 60


def test_a_push_that_could_not_be_passed_on_may_come_again(app):
    """When the mark cannot be left the forge is told so, and the same delivery counts later."""
    body = a_push()
    headers = github(body)
    (app.home / ".drumbeat").write_text("in the way")
    assert call(app, body, headers) == (500, "failed")
    (app.home / ".drumbeat").unlink()

    assert call(app, body, headers) == (202, "accepted")
    assert app.nudged() > 0


def test_a_name_that_could_forge_a_log_line_is_none(app, heard):
    """A delivery's name with anything odd in it is left out of the log."""
    body = a_push()

    assert call(app, body, github(body, name="x\x1b]0;owned y=1")) == (202, "accepted")
    assert "owned" not in heard.wait_for("push heard")


def _head(app, headers: dict[str, str]) -> str:
    return "".join(["POST /hook HTTP/1.1\r\n", f"Host: {urlsplit(app.url).netloc}\r\n",
                    *(f"{name}: {value}\r\n" for name, value in headers.items())])


def _answered(app, *pieces: bytes) -> int:
    """The status that comes back while the call is still open."""
    with socket.create_connection((urlsplit(app.url).hostname, urlsplit(app.url).port), PATIENCE_S) as wire:
        for piece in pieces:
            try:
                wire.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break                                             # it has stopped listening, and has answered
        return int(wire.recv(4096).split()[1])
