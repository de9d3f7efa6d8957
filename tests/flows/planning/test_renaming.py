"""A renamed file is known again, and the proposed line gives it its id back."""
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.planning.preparing import Prepared
from flows.planning.reading import read
from flows.planning.renaming import Former, advice, former, id_line, renamed
from schemas.content import SourceFile
from schemas.post import Post

Make = Callable[..., Prepared]
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
DRILL = "You need a hole, not a drill. Ours is free to borrow on Tuesdays. What would you hang up first?"


def a_post(path: str, text: str = DRILL, front: str = "slot: next\n", blob: str = "") -> Post:
    """The post that a file at `path` is."""
    data = f"---\n{front}---\n{text}\n".encode()
    (post,) = read([SourceFile(path, blob, len(data), "file", data)], "content").posts
    return post


def test_the_same_file_elsewhere_is_known_again() -> None:
    """The same bytes under another name are the same post, before anything that only resembles it."""
    there, alike = a_post("posts/drill-free.md", blob="1" * 40), a_post("posts/adrill.md", blob="2" * 40)

    assert renamed({"posts/drill": Former("1" * 40, DRILL)}, [alike, there]) == {"posts/drill": there}


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        (DRILL, True),
        (DRILL.replace("Tuesdays", "Wednesdays"), True),
        (DRILL + " Come in.", True),
        ("A blunt chisel is more dangerous than a sharp one. Flat back first, then 25 degrees.", False),
        ("You need a hole, not a drill.", False),
    ],
)
def test_a_text_that_is_nearly_the_same_is_known_again(text: str, is_it: bool) -> None:
    """A file that was renamed and mended a little is the same post; another text is another post."""
    post = a_post("posts/hole.md", text)

    assert renamed({"posts/drill": Former("1" * 40, DRILL)}, [post]) == ({"posts/drill": post} if is_it else {})


def test_the_most_alike_is_taken_and_each_once() -> None:
    """Of several that resemble it, the nearest; no post is two former ones."""
    near, far = a_post("posts/near.md", DRILL + " Come."), a_post("posts/far.md", DRILL + " Come in and have a look.")
    gone = {"posts/drill": Former(None, DRILL), "posts/drill-two": Former(None, DRILL)}

    assert renamed(gone, [far, near]) == {"posts/drill": near, "posts/drill-two": far}
    assert renamed(gone, [near]) == {"posts/drill": near}


def test_a_text_that_nobody_kept_leaves_the_name() -> None:
    """When only the id is known, the same name in another folder is taken for the moved file; two are none."""
    moved, other = a_post("campaigns/spring/posts/drill.md"), a_post("evergreen/drill.md")

    assert renamed({"posts/drill": Former()}, [moved]) == {"posts/drill": moved}
    assert renamed({"posts/drill": Former()}, [moved, other]) == {}
    assert renamed({"posts/drill": Former(None, "Quite another text.")}, [moved]) == {}


def test_pictures_without_words_are_known_by_their_file() -> None:
    """Posts without a text do not resemble each other."""
    one = a_post("posts/one.md", "", "slot: next\nmedia: [a.jpg]\n")

    assert renamed({"posts/two": Former("3" * 40, "")}, [one]) == {}


_STEM = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,5})?", fullmatch=True)
_FOLDER = st.sampled_from(["posts", "posts/2027", "evergreen", "campaigns/spring/posts", "campaigns/autumn/posts",
                           "evergreen/tips"])


@given(old=_STEM, new=_STEM, before=_FOLDER, after=_FOLDER,
       pin=st.sampled_from(["", "id: pinned\n", "id: posts/far\n"]))
@QUIET
def test_the_proposed_line_always_gives_the_id_back(old: str, new: str, before: str, after: str, pin: str) -> None:
    """With the line in its front matter, the renamed or moved file is the post it was."""
    was, found = a_post(f"{before}/{old}.md"), a_post(f"{after}/{new}.md", front=f"slot: next\n{pin}")
    line = id_line(was.id, found)

    assert a_post(f"{after}/{new}.md", front=f"slot: next\n{line}\n").id == was.id
    assert line.count("\n") == 0
    assert f"'{line}'" in advice(was.id, found)
    assert found.file in advice(was.id, found)


def test_the_line_is_short_where_it_may_be() -> None:
    """In the same folder the bare name is enough; in another one the whole id is needed."""
    assert id_line("posts/drill", a_post("posts/hole.md")) == "id: drill"
    assert id_line("posts/drill", a_post("campaigns/spring/posts/drill.md")) == "id: posts/drill"
    assert advice("posts/drill", a_post("posts/hole.md")) == (
        "Add the line 'id: drill' to the front matter of content/posts/hole.md.")
    assert advice("posts/drill", a_post("posts/hole.md", front="slot: next\nid: hole\n")) == (
        "Write 'id: posts/drill' in line 3 of content/posts/hole.md.")


def test_what_there_is_to_know_a_post_by() -> None:
    """Its file's name in Git and its whole body, each variant of it."""
    post = a_post("posts/a.md", "One\n***\nTwo\n## on mastodon\nThree", blob="4" * 40)

    assert former(post) == Former("4" * 40, "One\nTwo\nThree")
