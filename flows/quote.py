"""Words of strangers where people read them: cut to a length, on one line, without anything that is live or pings."""
from typing import Any

from flows.planning.fencing import visible

_INERT = str.maketrans({"<": "‹", ">": "›", "`": "'", "|": "¦"})
MOST = 500


def plain(text: object, most: int = MOST) -> str:
    """`text` on one line, at most so many characters, with no tag, no code, no link and no secret. None is nothing."""
    words = " ".join(visible("" if text is None else str(text)).translate(_INERT).split())
    words = words.replace("](", "] (").replace("![", "! [")
    return words if len(words) <= most else words[:most - 1] + "…"


def cells(rows: list[dict[str, Any]], most: int = MOST) -> list[dict[str, Any]]:
    """The rows of a table with every text in them made plain; numbers stay."""
    return [{name: value if isinstance(value, int | float) else plain(value, most) for name, value in row.items()}
            for row in rows]
