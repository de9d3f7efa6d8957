"""How long counting takes: one ordinary post, and 64 kB of what would make it slow if anything does."""
import time

import pytest

from publishers._text import accidental_links, graphemes, weighted_length

SIZE = 65_536
SHAPES = ["a", "@", ".", "a.", "http://", "日", "日.", "a.com ", "a.com日", "a_日.com.b_.", "a.com/(", "é.", "👨\u200d",
          "🇦", "\u0300\u0327"]
POST = "Which bit for which wall? Masonry bits have a wider tip 🔧 https://example.org/drill?a=1 — ask us. README.md"


@pytest.mark.bench
@pytest.mark.parametrize("count", [weighted_length, accidental_links, graphemes])
def test_counting(count, capsys) -> None:
    """Prints milliseconds for the post, and for each shape with the same at a quarter of its size."""
    rows = [("post", _ms(count, POST), 0.0)]
    rows += [(shape, _ms(count, shape * (SIZE // len(shape))), _ms(count, shape * (SIZE // 4 // len(shape))))
             for shape in SHAPES]
    with capsys.disabled():
        print(f"\n{count.__name__}: ms, ms at a quarter")
        for shape, whole, quarter in rows:
            print(f"  {shape!a:24} {whole:9.3f} {quarter:9.3f}")


def _ms(count, text: str) -> float:
    count(text)
    start = time.perf_counter()
    count(text)
    return (time.perf_counter() - start) * 1000
