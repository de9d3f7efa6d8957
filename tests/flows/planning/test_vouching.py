"""Who changed what, and whether it may be accepted."""
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis.strategies import binary, lists, permutations, sampled_from, text

from flows.planning.vouching import (
    Refusal,
    Signed,
    Step,
    config,
    is_config,
    is_content,
    judge,
    lists_keys,
    new_channels,
    read_signers,
    shown,
)
from schemas.channel import Channel

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJbT0bgOg1Gm1c3sN9yG6w7O8mLZCmXoO1b2E4oQe1aA"
PRINT = "SHA256:chVZTIcFrPRzNKMq0uhxkmyIVLg1cyIcJBOXMOZTlZ4"
ANN, BEN = Signed("ann@mill.example", "SHA256:a"), Signed("ben@mill.example", "SHA256:b")
NOBODY = Signed(None, None, "it is not signed", "Sign it.")


def step(name: str, signed: Signed, *paths: str, adds_nothing: bool = False) -> Step:
    return Step(name * 40, signed, paths, adds_nothing)


# --- A2: everything is signed -----------------------------------------------------------------------------------------

def test_signed_commits_are_accepted():
    """Commits that somebody known signed have nothing against them, whoever of them it was."""
    assert judge([step("1", ANN, "content/posts/a.md"), step("2", BEN, "content/media/a.png")], "content") == ()


def test_an_unsigned_commit_between_two_signed_is_named():
    """One commit without a signature stops all, and is the one that is named (A2)."""
    assert judge([step("1", ANN), step("2", NOBODY), step("3", ANN)], "content") == (
        Refusal("2" * 40, "it is not signed", "Sign it."),)


def test_all_unsigned_commits_are_named_in_order():
    """Whoever has to sign again is told all at once; what else is wrong is told afterwards."""
    refused = judge([step("1", NOBODY), step("2", ANN, "content/rules.yaml", "content/posts/a.md"), step("3", NOBODY)],
                    "content")

    assert [one.commit[0] for one in refused] == ["1", "3"]


def test_a_merge_that_adds_nothing_needs_no_signature():
    """Its parents vouch for it; they are judged themselves."""
    merge = step("3", NOBODY, adds_nothing=True)
    assert judge([step("1", ANN), step("2", BEN), merge], "content") == ()
    assert [one.commit[0] for one in judge([step("1", ANN), step("2", NOBODY), merge], "content")] == ["2"]


# --- A3: nobody approves their own ------------------------------------------------------------------------------------

def test_config_and_content_of_one_person_are_refused():
    """In one commit, or in two of the same push: both changes are named (A3)."""
    one = judge([step("1", ANN, "content/networks/channels.yaml", "content/posts/a.md")], "content")
    two = judge([step("1", ANN, "content/posts/a.md"), step("2", BEN, "content/posts/b.md"),
                 step("3", ANN, "content/policies/social-media.md")], "content")

    assert [(r.commit[0], r.why) for r in one] == [
        ("1", "it changes content/networks/channels.yaml, and ann@mill.example, who signed it, changes "
              "content/posts/a.md too")]
    assert [(r.commit[0], r.why) for r in two] == [
        ("3", "it changes content/policies/social-media.md, and ann@mill.example, who signed it, changes "
              "content/posts/a.md in commit 111111111111")]
    assert "somebody else sign" in one[0].remedy


def test_config_of_one_and_content_of_another_are_accepted():
    """Two people looked at it: one at the settings, one at the post."""
    assert judge([step("1", ANN, "content/networks/channels.yaml"), step("2", BEN, "content/posts/a.md")],
                 "content") == ()


def test_config_alone_is_accepted():
    """A push of nothing but settings, with files outside of the content folder, is no self-approval."""
    assert judge([step("1", ANN, "content/rules.yaml", "drumbeat.toml", "README.md")], "content") == ()


def test_one_key_under_two_names_is_one_person():
    """Who is listed twice cannot be their own second pair of eyes."""
    twice = Signed("ann.boss@mill.example", ANN.key)
    assert len(judge([step("1", ANN, "content/rules.yaml"), step("2", twice, "content/posts/a.md")], "content")) == 1


def test_two_keys_of_one_name_are_one_person():
    """Nor can who has two keys."""
    other = Signed(ANN.who, "SHA256:other")
    assert len(judge([step("1", ANN, "content/rules.yaml"), step("2", other, "content/posts/a.md")], "content")) == 1


@pytest.mark.parametrize("name", ["Jos\xe9", "Jose\N{COMBINING ACUTE ACCENT}", "JOS\xc9 "])
def test_accents_make_no_second_person(name):
    """A file's name and a line of a list write one name in two ways, and nobody sees it."""
    jose = Signed("jose\N{COMBINING ACUTE ACCENT}", "SHA256:c")
    other = Signed(name, "SHA256:d")
    refused = judge([step("1", jose, "content/rules.yaml"), step("2", other, "content/posts/a.md")], "content")

    assert [one.commit[0] for one in refused] == ["1"]


class Looked(tuple[str, ...]):
    """Paths that count how often somebody looked at them."""

    times = 0

    def __iter__(self):
        Looked.times += 1
        return super().__iter__()


def test_a_large_push_is_judged_in_one_go():
    """Ten times the commits are ten times the work, not a hundred times."""
    steps = [Step(f"{n:040}", ANN, Looked(("content/rules.yaml",))) for n in range(3000)]

    assert judge(steps, "content") == ()
    assert Looked.times <= 2 * len(steps)


def test_capitals_make_no_second_person():
    """A name is written one way in the list of SSH keys, and perhaps another in the name of a file."""
    other = Signed("Ann@Mill.example", "0123ABCD")
    assert len(judge([step("1", ANN, "content/rules.yaml"), step("2", other, "content/posts/a.md")], "content")) == 1


STEPS = [step("1", ANN, "content/posts/a.md"), step("2", BEN, "content/rules.yaml"), step("3", NOBODY),
         step("4", ANN, "content/people/team.yaml"), step("5", NOBODY, adds_nothing=True)]


@given(lists(sampled_from(STEPS), unique=True), permutations(range(5)))
def test_order_never_changes_who_is_refused(steps, order):
    """Whichever way the commits are listed, the same ones are refused."""
    shuffled = [STEPS[n] for n in order if STEPS[n] in steps]
    assert {r.commit for r in judge(steps, "content")} == {r.commit for r in judge(shuffled, "content")}


@pytest.mark.parametrize(("prefix", "path"), [
    ("content", "content/networks/channels.yaml"), ("content", "content/people/team.yaml"),
    ("content", "content/people/allowed_signers"), ("content", "content/rules.yaml"),
    ("content", "content/people/openpgp/ann@mill.example.asc"), ("", "people/openpgp/ann/laptop.asc"),
    ("content", "content/policies/social-media.md"), ("content", "content/policies/more/x.md"),
    ("content", "drumbeat.toml"), ("club/content", "club/drumbeat.toml"), ("club/content", "drumbeat.toml"),
    ("club/content", "club/content/rules.yaml"), ("", "rules.yaml"), ("", "policies/x.md")])
def test_what_is_config(prefix, path):
    """The files that say who may publish what, where; they are not content."""
    assert is_config(path, prefix)
    assert not is_content(path, prefix)


@pytest.mark.parametrize(("prefix", "path"), [
    ("content", "content/posts/rules.yaml"), ("content", "content/policies.md"), ("content", "content/strategy.yaml"),
    ("content", "content/media/drumbeat.toml"), ("", "posts/a.md"), ("club/content", "club/content/posts/a.md")])
def test_what_is_content(prefix, path):
    """What authors write, whatever it is called."""
    assert is_content(path, prefix)
    assert not is_config(path, prefix)


@pytest.mark.parametrize("path", ["rules.yaml", "README.md", "contents/rules.yaml", "content2/posts/a.md"])
def test_what_is_neither(path):
    """What lies outside of the content folder says nothing to anybody."""
    assert not is_content(path, "content")
    assert not is_config(path, "content")


def test_the_repository_may_be_the_content_folder():
    """Then its settings lie at its top."""
    assert "rules.yaml" in config("")
    assert "people/allowed_signers" in config("")


# --- the list of keys -------------------------------------------------------------------------------------------------

def test_a_list_of_keys():
    """Names, options, limits and comments are read; what is no line of a key is left out."""
    said = (f"# who signs\n\nann@mill.example ssh-ed25519 {KEY} ann's laptop\n"
            '"ben@mill.example" namespaces="git",valid-after="20270101Z",valid-before="202712312359" '
            f"ssh-ed25519 {KEY}\n"
            f"broken line\nann ssh-ed25519 ###\n\tcy@mill.example\tssh-ed25519\t{KEY}\r\n")

    ann, ben, cy = read_signers(said.encode())

    assert (ann.names, ann.key, ann.after, ann.before) == ("ann@mill.example", PRINT, None, None)
    assert (ben.names, ben.key) == ("ben@mill.example", PRINT)
    assert (ben.after, ben.before) == (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, 23, 59, tzinfo=UTC))
    assert cy.names == "cy@mill.example"


@pytest.mark.parametrize(("limits", "counts"), [
    ("", True), ('valid-before="20270302Z" ', True), ('valid-before="20270301Z" ', False),
    ('valid-after="20270301Z" ', True), ('valid-after="20270302Z" ', False), ('VALID-BEFORE="20260101" ', False),
    ('namespaces="git",valid-before="20260101" ', False), ('valid-before="99999999" ', False),
    ('namespaces="file,git" ', True), ('namespaces="file" ', False), ('namespaces="g*" ', True)])
def test_a_key_counts_by_the_hour_it_is_used(limits, counts):
    """What the date of a commit says does not matter: its author writes it."""
    (signer,) = read_signers(f"ann@mill.example {limits}ssh-ed25519 {KEY}\n".encode())
    assert signer.counts(NOON) is counts


@pytest.mark.parametrize("hidden", ["\x0b", "\x0c", "\x85", "\u2028", "\x1b[2K"])
def test_no_line_hides_behind_a_comment(hidden):
    """What looks like one line to a reviewer is not two."""
    line = f"ann@mill.example ssh-ed25519 {KEY} laptop{hidden}eve@evil.example ssh-ed25519 {KEY}\n"
    assert read_signers(line.encode()) == ()


@given(binary(max_size=200))
def test_any_bytes_are_a_list_of_keys(data):
    """Whatever lies there, reading it ends with keys or none."""
    assert all(one.key.startswith("SHA256:") for one in read_signers(data))


@given(text())
def test_what_is_shown_is_one_printable_line(words):
    """No name and no path can break a line or steer a terminal."""
    assert shown(words).isprintable()
    assert len(shown(words)) <= 100


@pytest.mark.parametrize(("path", "lists"), [
    ("people/allowed_signers", True), ("people/openpgp/ann.asc", True), ("people/openpgp/ann/laptop.asc", True),
    ("people/openpgp/ann.md", False), ("people/openpgp.asc", False), ("posts/people/allowed_signers", False)])
def test_which_files_list_keys(path, lists):
    """Public keys look as random as secrets do."""
    assert lists_keys(path) is lists


# --- channels that nobody has looked at -------------------------------------------------------------------------------

def channel(id: str, **more: str) -> Channel:
    return Channel.model_validate({"id": id, "network": "mastodon", **more})


def test_a_new_channel_starts_held():
    """Ids that were not there, in their order; what stays and what goes is no news (A3)."""
    before = [channel("a"), channel("gone")]
    assert new_channels(before, [channel("c"), channel("a"), channel("b")]) == ("c", "b")


@pytest.mark.parametrize("change", [{"network": "bluesky"}, {"handle": "@eve"}, {"connection": "eve"}])
def test_a_channel_that_became_another_account_is_new(change):
    """A known id at another network, handle or credential is an account that nobody has looked at."""
    assert new_channels([channel("a", handle="@mill")], [channel("a", **{"handle": "@mill", **change})]) == ("a",)


def test_a_channel_with_other_settings_is_no_new_one():
    """Its slots, language or limits may change."""
    assert new_channels([channel("a")], [channel("a", language="fr", grace="3h")]) == ()


def test_the_first_plan_has_only_new_channels():
    """Nothing is known before it: whoever calls decides what that means."""
    assert new_channels([], [channel("a"), channel("b")]) == ("a", "b")
