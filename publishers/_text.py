"""Counting as networks count: X's weighted length with its links, and graphemes."""
import re
import unicodedata
from functools import cache

from publishers._links import find_links

LINK_WEIGHT = 23                         # whatever its length; twitter-text config/v3.json, read 2026-11-22
_MARKS_AT_ONCE = 256                     # putting n combining marks in order takes n² steps
_FLAG_LETTERS_AT_ONCE = 64               # two make a flag, so an even number; `regex` looks back over a whole run
_FILE_ENDINGS = frozenset(("java", "md", "mk", "mov", "pl", "pm", "ps", "py", "rs", "sh", "tf", "zip"))


def weighted_length(text: str) -> int:
    """Length of `text` as X counts it, in weighted characters (a post may hold 280).

    A link weighs 23 whatever its length; most alphabets weigh 1 a character, CJK and emoji 2.
    Source: twitter-text, config/v3.json, read 2026-11-22.
    """
    text = _normal(text)
    weight, done = 0, 0
    for link in find_links(text):
        weight += _weight(text[done:link.start]) + LINK_WEIGHT
        done = link.end
    return weight + _weight(text[done:])


def links(text: str) -> tuple[str, ...]:
    """What X makes a link of, in order: with a scheme, or a bare name under a top-level domain that X knows."""
    return tuple(link.text for link in find_links(_normal(text)))


def accidental_links(text: str) -> tuple[str, ...]:
    """Links that look like file names (README.md) or like a missing space (end.Next): nobody meant them."""
    return tuple(link.text for link in find_links(_normal(text)) if not link.has_scheme and not link.has_path
                 and _unmeant(link.text))


def graphemes(text: str) -> int:
    """What a reader calls characters: extended grapheme clusters (Unicode UAX 29). CR LF is one."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    import regex

    letter = "[\U0001F1E6-\U0001F1FF]"
    runs = re.finditer(f"{letter}{{{_FLAG_LETTERS_AT_ONCE}}}(?={letter})", text)
    cuts = [0, *(run.end() for run in runs)]
    return sum(1 for start, end in zip(cuts, [*cuts[1:], None], strict=True)
               for _ in regex.finditer(r"\X", text[start:end]))


def _unmeant(name: str) -> bool:
    stem, _, ending = name.rpartition(".")
    return ending.lower() in _FILE_ENDINGS or (stem[-1:].islower() and ending.istitle())


def _normal(text: str) -> str:
    """`text` in NFC with line ends as one character. Runs of combining marks beyond any script go in pieces."""
    if not text.isascii():
        cuts, run = [0], 0
        for at, character in enumerate(text):
            run = run + 1 if unicodedata.combining(character) else 0
            if run and run % _MARKS_AT_ONCE == 0:
                cuts.append(at)
        text = "".join(unicodedata.normalize("NFC", text[a:b]) for a, b in zip(cuts, [*cuts[1:], None], strict=True))
    return text.replace("\r\n", "\n")


def _weight(text: str) -> int:
    """Weight of a stretch that holds no link."""
    if text.isascii():
        return len(text)
    rest, emoji = _emoji().subn("", text)
    light = re.compile(r"[\0-\u10FF\u2000-\u200D\u2010-\u201F\u2032-\u2037]+")
    return 2 * emoji + len(rest) + len(light.sub("", rest))


@cache
def _emoji() -> re.Pattern[str]:
    """One match for each emoji that is several characters, and for the two that would weigh 1."""
    from publishers._twitter_text import FLAGS, JOINED, PICTURE_STYLE, SKIN_TONE

    styled, toned, tones = set("".join(PICTURE_STYLE.split())), "".join(SKIN_TONE.split()), "[\U0001F3FB-\U0001F3FF]"

    def letter(name: str) -> str:
        return chr(ord(name) - ord("A") + 0x1F1E6)

    def element(drawn: str, mark: str) -> str:
        style = "\uFE0F?" if drawn in styled else ""
        return drawn + {"": style, "?": f"(?:{tones}|{style})", "!": tones}[mark]

    joined = ["\u200D".join(element(e[0], e[1:]) for e in re.findall(".[?!]?", word)) for word in JOINED.split()]
    tagged = "\U0001F3F4\U000E0067\U000E0062(?:\U000E0065\U000E006E\U000E0067|\U000E0073\U000E0063\U000E0074|" \
             "\U000E0077\U000E006C\U000E0073)\U000E007F"
    flags = [letter(word[0]) + "[" + "".join(map(letter, word[1:])) + "]" for word in FLAGS.split()]
    # `joined` is in order of falling length: the first that fits must be the longest
    return re.compile("|".join([*joined, tagged, *flags, f"[{toned}]{tones}", f"[{''.join(styled)}]\uFE0F",
                                "[0-9#*]\uFE0F?\u20E3", "[\u00A9\u00AE]"]))
