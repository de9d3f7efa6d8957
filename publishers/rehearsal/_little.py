"""LinkedIn's `little` text as LinkedIn reads it: written from its grammar, not from the code that escapes.

Source: learn.microsoft.com/linkedin/marketing/community-management/shares/little-text-format, read 2026-11-22; that a
text is cut off: apoorvdarshan/crossposter, release v1.1.5; how the API gives a hashtag back: `{hashtag|\\#|tag}`.
"""
import re

_RESERVED = frozenset("\\|{}@[]()<>#*_~")
_MENTION = re.compile(r"@\[((?:\\.|[^\]\\])+)\]\((urn:li:(?:person|organization):[^)\s]+)\)", re.DOTALL)
_TEMPLATE = re.compile(r"\{hashtag\|\\?#\|((?:\\.|[^}\\|])+)\}", re.DOTALL)
_TAG = re.compile(r"#([^\W_]+)")


def read_little(commentary: str) -> tuple[str, str]:
    """What readers see of a text in the `little` format, and how the API gives it back.

    A reserved character that is no element and is not escaped ends the text; nobody is told.
    """
    seen, back, at = [], [], 0
    while at < len(commentary):
        letter = commentary[at]
        if letter == "\\" and at + 1 < len(commentary):
            seen.append(commentary[at + 1])
            back.append(commentary[at:at + 2])
            at += 2
        elif letter not in _RESERVED:
            seen.append(letter)
            back.append(letter)
            at += 1
        elif letter == "@" and (mention := _MENTION.match(commentary, at)):
            seen.append(re.sub(r"\\(.)", r"\1", mention[1], flags=re.DOTALL))
            back.append(mention[0])
            at = mention.end()
        elif tag := (_TAG if letter == "#" else _TEMPLATE).match(commentary, at):
            seen.append("#" + re.sub(r"\\(.)", r"\1", tag[1], flags=re.DOTALL))
            back.append(f"{{hashtag|\\#|{tag[1]}}}")
            at = tag.end()
        else:
            break
    return "".join(seen), "".join(back)
