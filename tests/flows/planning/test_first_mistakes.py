"""What people get wrong in their first posts, and the words in which they are told."""
import pytest

MISTAKES = [
    ("---\nat: 2027-02-01 09:30\nimage: drill.jpg\n---\nHi.\n",
     "content/posts/a.md:3:1: error: image is not known here. [SYN002] Did you mean media?"),
    ("---\nAt: 2027-02-01 09:30\n---\nHi.\n",
     "content/posts/a.md:2:1: error: At is not known here. [SYN002] Did you mean at?"),
    ("---\nhashtags: [#drill]\nat: 2027-02-01 09:30\n---\nHi.\n",
     "content/posts/a.md:2:12: error: cannot be read: everything after # is a comment. [SYN001] "
     "Write hashtags without #."),
    ("---\nat: 2027-02-01 09:30\nhashtags: [two words]\n---\nHi.\n",
     "content/posts/a.md:3:12: error: hashtags: 'two words' cannot be used: a hashtag is one word. [SYN002] "
     "Write it that way."),
    ("---\nat:2027-02-01 09:30\n---\nHi.\n",
     "content/posts/a.md:2:1: error: This must be keys with values, like 'slot: next'. [SYN002] "
     "Write lines like 'key: value', with a space after the colon."),
    ("---\nat: 2027-02-01 09:30\n---\nLook: ![A drill](drill.jpg)\n",
     "content/posts/a.md:4:7: error: An image in the text is not published. [SYN008] "
     "Name the file in the front matter: media: [file.jpg]."),
    ("---\nat: 2027-02-01 09:30\n---\n# Our drills\nThey are blue.\n",
     "content/posts/a.md:4:1: error: A heading is not published: 'Our drills'. [SYN006] "
     "Take the # away; a text for one network begins with '## on mastodon'."),
]


@pytest.mark.parametrize(("post", "expected"), MISTAKES)
def test_a_first_mistake_is_named_with_its_remedy(prepared, told, post: str, expected: str) -> None:
    """The line, what is wrong and what to write instead, and no jargon."""
    assert expected in told(prepared({"posts/a.md": post}).problems)


@pytest.mark.parametrize(("stem", "fits"), [("a" * 60, True), ("b" * 61, False)])
def test_an_id_that_the_archive_cannot_hold_is_refused_early(prepared, told, stem: str, fits: bool) -> None:
    """The name of a campaign and of its post must fit together into one name of the archive."""
    campaign = "c" * 19
    made = prepared({f"campaigns/{campaign}/campaign.yaml": f"campaign: {campaign}\n",
                     f"campaigns/{campaign}/posts/{stem}.md": "---\nat: 2027-02-01 09:30\n---\nHi.\n"})

    assert any("fit." in line for line in told(made.problems)) is not fits
