"""Names that people or computers take for others are told, with the name that they are taken for."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.planning.resembling import confusable, resembling, twins


@pytest.mark.parametrize(("host", "read"), [
    ("раypal.com", "xn--ypal-43d9g.com"), ("PАYPAL.com", "xn--pypal-4ve.com"),
    ("a.b.gοοgle.com", "a.b.xn--ggle-0nda.com"),
    ("аррӏе.com", "xn--80ak6aa92e.com"), ("xn--80ak6aa92e.com", "xn--80ak6aa92e.com"), ("сор.com.", "xn--n1aeb.com"),
    ("αlpha.гр.com", "xn--lpha-zld.xn--c1a0a.com"),
])
def test_a_host_that_looks_like_another_is_shown_as_machines_read_it(host: str, read: str) -> None:
    """Letters of two alphabets in one part of a name, or Cyrillic ones only that look Latin, give the name away."""
    assert confusable(host) == read


@pytest.mark.parametrize("host", [
    "example.com", "münchen.de", "пример.рф", "кто.com", "сор.рф", "例え.jp", "abc例え.jp", "한국abc.kr", "ελλάδα.gr",
    "straße.de", "💩.la", "xn--mnchen-3ya.de", "xn--zzzzzz--.com", "ｐaypal.com", "", ".", "а" * 300, "xn--", "1а.рф",
])
def test_near_misses_of_resembling_hosts(host: str) -> None:
    """One alphabet in each part, Latin beside Chinese, Japanese or Korean, and what is no host, are fine."""
    assert confusable(host) is None


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("аpе.xn-:/@")), max_size=60))
def test_any_text_is_looked_through(text: str) -> None:
    """Whatever the text, each name found stands at its place, and machines read it in ASCII."""
    for at, host, read in resembling(text):
        assert text[at:at + len(host)] == host
        assert read.isascii()


def test_twins_are_named_once_with_the_one_before() -> None:
    """Files and folders that differ in capitals, or in how an accent is written, at any depth; not what is in them."""
    paths = ["Media/a.png", "media/b.png", "media/c.png", "posts/A.md", "posts/a.md", "posts/caf\u00e9.md",
             "posts/cafe\u0301.md", "posts/x/Y/one.md", "posts/x/y/one.md", "posts/x/y/two.md", "straße.md",
             "strasse.md"]

    assert list(twins(paths)) == [
        ("media", "Media"), ("posts/a.md", "posts/A.md"), ("posts/cafe\u0301.md", "posts/caf\u00e9.md"),
        ("posts/x/y", "posts/x/Y"), ("strasse.md", "straße.md")]


def test_near_misses_of_twins() -> None:
    """The same name in two folders, and names that only begin alike, are no twins."""
    assert list(twins(["a/b.md", "b/b.md", "a/b", "a/b.txt", "ab", "posts/a.md", "posts/a/b.md"])) == []
