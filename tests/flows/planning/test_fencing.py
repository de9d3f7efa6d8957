"""Text of strangers in Markdown and in logs: shown as it is, and nothing more."""
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flows.planning.fencing import annotation, behind, coded, visible
from schemas.place import Place
from schemas.problem import Problem, Severity

SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(("text", "shown"), [
    ("plain", "plain"),
    ("pay \u202eevil", "pay ⟦U+202E⟧evil"),
    ("a\u200bb\ufeff", "a⟦U+200B⟧b⟦U+FEFF⟧"),
    ("\x1b[31mred\x07", "⟦U+001B⟧[31mred⟦U+0007⟧"),
    ("one\ntwo", "one ⏎ two"),
    ("one\r\ntwo", "one⟦U+000D⟧ ⏎ two"),
    ("half \ud83d", "half ⟦U+D83D⟧"),
    ("a\u200db", "a⟦U+200D⟧b"),
    ("👩\u200d💻 and می\u200cخواهم", "👩\u200d💻 and می\u200cخواهم"),
    (SCOTLAND, SCOTLAND),
    ("x\U000e0041", "x⟦U+E0041⟧"),
    ("key AKIAIOSFODNN7EXAMPLE", "key AKIA…"),
])
def test_what_nobody_would_see_is_shown(text: str, shown: str) -> None:
    """Controls, direction marks, fillers and lone halves are code points; emoji and scripts stay; secrets do not."""
    assert visible(text) == shown


@given(st.text(st.sampled_from("`a |\\@<"), max_size=12))
def test_a_code_span_always_holds_exactly_its_text(text: str) -> None:
    """Whatever runs of backticks and blanks: one span, and what stands in it is what was meant."""
    inline = MarkdownIt("commonmark").parse(f"x{coded(text)}x")[1]
    children = inline.children or []

    assert [child.type for child in children] == ["text", "code_inline", "text"]
    assert children[1].content.strip() == text.strip()


def test_a_secret_is_not_cut_in_two() -> None:
    """It is masked before the line is cut, wherever it stands."""
    for start in range(985, 1_001):
        assert "AKIAI" not in behind("· ", "a " * (start // 2) + "AKIAIOSFODNN7EXAMPLE")


@pytest.mark.parametrize(("file", "message", "line"), [
    ("posts/a.md", "Too long.", "::error file=posts/a.md,line=6,col=5,title=TXT001::Too long. Shorten."),
    ("content/a,line=1::b%.md", "50% of\n::stop-commands::x\r##[add-mask]y",
     "::error file=content/a%2Cline=1%3A%3Ab%25.md,line=6,col=5,title=TXT001::50%25 of ⏎ "
     "::stop-commands::x⟦U+000D⟧##[add-mask]y Shorten."),
])
def test_an_annotation_is_one_command(file: str, message: str, line: str) -> None:
    """Neither a file's name nor a message can end it, give it another place, or begin a second one."""
    assert annotation(Problem("TXT001", Severity.error, Place(file, 6, 5), message, "Shorten.")) == line
