"""withdraw: a person takes a post back; who, why and what became of it is kept and told."""
import subprocess

import httpx
import pytest

HELLO = "posts/hello@mastodon#1"


@pytest.fixture
def out(sample, drumbeat, networks):
    """A thread that is out on Mastodon, in an archive of a rehearsal."""
    for post in (sample / "content").rglob("posts/*.md"):
        post.unlink()
    (sample / "content/posts/hello.md").write_text(
        "---\nat: 2026-11-05 12:30\nintent: give\nchannels: [mastodon]\n---\nOne.\n\n***\n\nTwo.\n")
    who = ("-c", "user.name=Wren", "-c", "user.email=wren@millrace.example")
    for words in (("add", "--all", "content"), (*who, "commit", "--quiet", "--message", "One post")):
        subprocess.run(["git", *words], cwd=sample, check=True)
    done = drumbeat("publish", "--once", "--rehearse-at", networks.url, "--now", "2026-11-05 12:31", cwd=sample)
    assert done.code == 0, done.err
    assert [post["text"] for post in httpx.get(f"{networks.url}/_rehearsal/posts").json()] == ["One.", "Two."]
    return sample


def test_a_thread_is_taken_back_and_stays_so(out, drumbeat, networks):
    """Every part is gone from the network; why and status say who and why; publishing again sends nothing."""
    done = drumbeat("withdraw", HELLO, "--by", "Wren", "--reason", "wrong day", "--rehearse-at", networks.url,
                    "--now", "2026-11-05 13:00", cwd=out)

    assert (done.code, done.out) == (0, f"{HELLO}: 2 parts gone\n"), done.err
    assert httpx.get(f"{networks.url}/_rehearsal/posts").json() == []
    assert "withdrawn by Wren on 2026-11-05 13:00 UTC: wrong day" in drumbeat("why", HELLO, cwd=out).out
    assert "withdrawn by Wren" in drumbeat("status", cwd=out).out
    again = drumbeat("publish", "--once", "--rehearse-at", networks.url, "--now", "2026-11-05 13:05", cwd=out)
    assert again.code == 0, again.err
    assert httpx.get(f"{networks.url}/_rehearsal/posts").json() == []
    assert drumbeat("archive", "verify", cwd=out).code == 0


def test_taking_back_twice_is_no_error(out, drumbeat, networks):
    """The first time counts: who asked, and why, is not overwritten; status calls the slot withdrawn."""
    words = ("withdraw", HELLO, "--rehearse-at", networks.url, "--json", "--reason", "wrong day", "--by")
    first, second = drumbeat(*words, "Wren", cwd=out), drumbeat(*words, "Ilse", cwd=out)

    assert (first.code, second.code) == (0, 0), second.err
    assert (len(first.json["gone"]), second.json) == (2, first.json)
    assert drumbeat("status", "--json", cwd=out).json["counts"]["withdrawn"] == 1


def test_what_the_network_does_not_take_back_is_named(out, drumbeat, networks):
    """A part that is still there is told with the network's reason, and the exit code is 4."""
    httpx.put(f"{networks.url}/_rehearsal/faults", json=[
        {"network": "mastodon", "fault": "503", "match": "DELETE .*", "times": 1}]).raise_for_status()

    done = drumbeat("withdraw", HELLO, "--by", "Wren", "--rehearse-at", networks.url, cwd=out)

    assert (done.code, done.out) == (4, f"{HELLO}: 1 part gone, 1 left\n")
    assert "still there: " in done.err
    assert "1 part is still there" in drumbeat("why", HELLO, cwd=out).out


@pytest.mark.parametrize(("words", "said"), [
    ((HELLO, "--by", "Wren"), "This archive holds a rehearsal."),
    ((HELLO, "--by", " "), "--by is the name of the person"),
    (("posts/nobody@mastodon#1", "--by", "Wren"), "Nothing is out for posts/nobody@mastodon#1."),
])
def test_what_cannot_be_meant_is_refused(out, drumbeat, networks, words, said):
    """A rehearsal's post is taken back at the rehearsal only; what is not out cannot be."""
    more = () if "rehearsal" in said else ("--rehearse-at", networks.url)
    done = drumbeat("withdraw", *words, *more, cwd=out)

    assert (done.code, done.out) == (2, "")
    assert said in done.err
