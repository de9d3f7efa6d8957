"""Counting as networks count: X's weighted length with its links, graphemes, bytes."""
import re
import unicodedata
from functools import cache

from publishers._links import find_links

LINK_WEIGHT = 23                         # whatever its length; twitter-text config/v3.json, read 2026-11-22
_MOST_MARKS = 256                        # in a row; putting n combining marks in order takes n² steps
_FLAG_LETTERS_AT_ONCE = 64               # two make a flag, so an even number; `regex` looks back over a whole run
_FILE_ENDINGS = frozenset(("java", "md", "mk", "mov", "pl", "pm", "ps", "py", "rs", "sh", "tf", "zip"))


def weighted_length(text: str) -> int:
    """Length of `text` as X counts it, in weighted characters (a post may hold 280).

    A link weighs 23 whatever its length; most alphabets weigh 1 a character, CJK and emoji 2.
    Source: twitter-text, config/v3.json, read 2026-11-22.
    """
    text = _as_x_reads(text)
    pieces, done = [], 0
    for link in find_links(text):
        pieces.append(text[done:link.start])
        done = link.end
    # a line end weighs 1 and is part of no emoji, so that it can stand for a link
    return _weight("\n".join([*pieces, text[done:]])) + (LINK_WEIGHT - 1) * len(pieces)


def links(text: str) -> tuple[str, ...]:
    """What X makes a link of, in order: with a scheme, or a bare name under a top-level domain that X knows."""
    return tuple(link.text for link in find_links(_as_x_reads(text)))


def accidental_links(text: str) -> tuple[str, ...]:
    """Links that look like file names (README.md) or like a missing space (end.Next): nobody meant them."""
    return tuple(link.text for link in find_links(_as_x_reads(text)) if not link.has_scheme and not link.has_path
                 and _unmeant(link.text))


def graphemes(text: str) -> int:
    """What a reader calls characters: extended grapheme clusters (Unicode UAX 29), of Unicode 18. CR LF is one."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    import regex

    letter = "[\U0001F1E6-\U0001F1FF]"
    runs = re.finditer(f"{letter}{{{_FLAG_LETTERS_AT_ONCE}}}(?={letter})", text)
    cuts = [0, *(run.end() for run in runs)]
    return sum(len(regex.findall(r"\X", text[start:end])) for start, end in zip(cuts, [*cuts[1:], None], strict=True))


def graphemes_apart(text: str) -> int:
    """Grapheme clusters, with a consonant that a virama joins to the one before it as a cluster of its own.

    Every Unicode before 15.1 counted so (rule GB9c came then), every one before 18 counted Burmese, Khmer and Balinese
    so. Servers' tables are older than ours: Mastodon's are those of Ruby, 15.0 up to 3.4 and 17 from 4.0 on; Bluesky's
    those of unicode-segmenter 0.14, 16, and of graphemer, 15.0, in older ones. But for characters younger than their
    tables none of them counts more than this.
    Sources: ruby/ruby pull request 12798, Ruby 4.0 NEWS, mastodon/mastodon pull requests 37445 and 39099, package.json
    of @atproto/lex-data 0.1.10, bluesky-social/atproto issue 4321; read 2026-11-22.
    """
    whole = graphemes(text)
    if text.isascii():
        return whole
    import regex

    return whole + len(regex.findall(r"\p{InCB=Linker}\p{InCB=Extend}*+\p{InCB=Consonant}", text))


def utf16_units(text: str) -> int:
    """Units of UTF-16: what JavaScript calls a string's length. Emoji and rare letters count two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf8_bytes(text: str) -> int:
    """Bytes of `text` in UTF-8. A lone surrogate, which no network takes, counts the three that it would need."""
    return len(text.encode("utf-8", "surrogatepass"))


def nfc(text: str) -> str:
    """`text` in NFC, in steps that grow with it. A run of combining marks longer than any script has goes in pieces."""
    if text.isascii():
        return text
    # a long run cannot be between two samples
    cuts = [0, *(at for at in range(_MOST_MARKS, len(text), _MOST_MARKS)
                 if unicodedata.combining(text[at]) and _marks_around(text, at) >= _MOST_MARKS)]
    return "".join(unicodedata.normalize("NFC", text[a:b]) for a, b in zip(cuts, [*cuts[1:], None], strict=True))


def _as_x_reads(text: str) -> str:
    return nfc(text).replace("\r\n", "\n")


def _unmeant(name: str) -> bool:
    stem, _, ending = name.rpartition(".")
    return ending.lower() in _FILE_ENDINGS or (stem[-1:].islower() and ending.istitle())


def _marks_around(text: str, at: int) -> int:
    """How many combining marks stand in a row around one of them; beyond the most that count, at least that many."""
    def run(positions: range) -> int:
        return next((n for n, place in enumerate(positions) if not unicodedata.combining(text[place])), len(positions))

    before, behind = range(at - 1, max(at - _MOST_MARKS, -1), -1), range(at + 1, min(at + _MOST_MARKS, len(text)))
    return run(before) + 1 + run(behind)


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

    # by first element and in order of falling length: the first that fits must be the longest
    behind: dict[str, list[str]] = {}
    for word in JOINED.split():
        first, *others = (element(e[0], e[1:]) for e in re.findall(".[?!]?", word))
        behind.setdefault(first, []).append("\u200D".join(others))
    joined = [f"{first}\u200D(?:{'|'.join(rests)})" for first, rests in behind.items()]
    tagged = "\U0001F3F4\U000E0067\U000E0062(?:\U000E0065\U000E006E\U000E0067|\U000E0073\U000E0063\U000E0074|" \
             "\U000E0077\U000E006C\U000E0073)\U000E007F"
    flags = [letter(word[0]) + "[" + "".join(map(letter, word[1:])) + "]" for word in FLAGS.split()]
    every = "|".join([*joined, tagged, *flags, f"[{toned}]{tones}", f"[{''.join(styled)}]\uFE0F",
                      "[0-9#*]\uFE0F?\u20E3", "[\u00A9\u00AE]"])
    first = "".join({*toned, *styled, *(rest[0] for rest in behind)})
    # most characters begin none: few ranges tell most of those, one set the others, without eight hundred sequences
    return re.compile("(?=[#*0-9\u00A9\u00AE\u203C-\u3299\U0001F004-\U0001FAFF])"
                      f"(?=[#*0-9\U0001F3F4\U0001F1E6-\U0001F1FF{first}])(?:{every})")
