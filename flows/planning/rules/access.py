"""ACC: people who do not see, hear or read as we do get the same post."""
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice, pairwise

from flows.planning.likening import words
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import Piece, each, on, pieces, setting, shown_on
from schemas.content import Resolved, ResolvedMedia
from schemas.place import Place
from schemas.problem import Problem, Severity

_IMAGES = frozenset(("jpg", "jpeg", "png", "gif", "webp", "avif", "heic", "heif", "bmp", "tif", "tiff", "svg"))
_VIDEOS = frozenset(("mp4", "m4v", "mov", "webm", "mkv", "avi", "mpg", "mpeg", "ogv", "3gp"))
_SOUNDS = frozenset(("mp3", "m4a", "aac", "wav", "flac", "ogg", "oga", "opus"))

_SAYS_IMAGE = re.compile(r"(?:an? |the )?(?:image|picture|photo|photograph) of\b", re.IGNORECASE)
_SHORTEST_ALT = 10
_FEW_CAPITALS = 3
_NO_WORDS = re.compile(r"https?://\S+|[#@]\w\S*", re.IGNORECASE)
_TWO_CAPITALS, _TWO_PLAIN_CAPITALS = re.compile(r"[^\W\d_a-z]{2}"), re.compile("[A-Z]{2}")
_CAPITALS = re.compile(r"(?<![^\W_])[^\W\d_a-z]{2,}(?![^\W_])")
_TAG = re.compile(r"(?<![^\s(])#(\w+)")
_LONGEST_WORD = 20                       # letters of an English word; of other languages nobody can say
# Where an emoji can be (emoji-data.txt of Unicode 17, widened to runs): a cheap look before the exact one.
_PERHAPS_EMOJI = re.compile("[\ufe0f\u20e3\u231a-\u23f3\u25aa-\u27bf\u2934\u2935\u2b05-\u2b55\u3030-\u303d\u3297\u3299"
                            "\U0001f000-\U0001faff]")
# Letters that Unicode has beside the plain ones, because they look otherwise: in brackets and circles (249C-24E9),
# bold, script, Fraktur and sans (1D400-1D7FF), in squares (1F110-1F189, without the four that are emoji), full-width
# Latin (FF21-FF5A). One alone may be a formula.
_STYLED = re.compile("[\u249c-\u24e9\U0001d400-\U0001d7ff\U0001f110-\U0001f16f\U0001f172-\U0001f17d"
                     "\U0001f180-\U0001f189\uff21-\uff3a\uff41-\uff5a]{2,}")
_FULL_WIDTH = re.compile("[\uff21-\uff3a\uff41-\uff5a]")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_QUOTED = 40


def _undescribed(post: Resolved, _: Facts) -> Iterator[Problem]:
    """A picture without alt text, a film without captions, a sound without a transcript.

    What a file is, its name says: that is also what networks go by. Only a picture can be decorative.
    """
    for media in post.media:
        kind = media.file.path.rsplit(".", 1)[-1].lower()
        if kind in _IMAGES and not (media.alt or "").strip() and not _is_decorative(media):
            lacks, sense = "alt text", "see"
            remedy = "Write what it shows: alt: here or in media/library.yaml; or decorative: true."
        elif kind in _VIDEOS and not media.use.captions:
            lacks, sense = "captions", "hear"
            remedy = "Add captions: with the name of their file, or captions: burned-in."
        elif kind in _SOUNDS and not media.use.transcript:
            lacks, sense = "transcript", "hear"
            remedy = "Add transcript: with what is said, or the name of the file that holds it."
        else:
            continue
        for channel in each(shown_on(media, post), post):
            yield UNDESCRIBED.at(media.place, f"{on(channel)}Describe {_name(media)} for people who cannot {sense} it: "
                                 f"no {lacks}.", remedy, post.id, channel)


def _is_decorative(media: ResolvedMedia) -> bool:
    return media.use.decorative or (media.use.alt is None and media.item is not None and media.item.decorative)


def _name(media: ResolvedMedia) -> str:
    return media.file.path.rsplit("/", 1)[-1]


def _hard_to_read(post: Resolved, facts: Facts) -> Iterator[Problem]:
    """Words that a screen reader spells out, stumbles over, or reads for nothing."""
    for media in post.media:
        if media.alt:
            yield from _bad_alt(media, post)
    said = list(pieces(post))
    yield from _run_together(post, said, facts)
    for piece in said:
        text = piece.text
        if _may_be_shouted(text) and len(_CAPITALS.findall(text)) > _FEW_CAPITALS:
            yield from _shouted(piece, post)
        if not text.isascii():
            yield from _drawn(piece, post)
            yield from _many_emoji(piece, post, facts)


def _bad_alt(media: ResolvedMedia, post: Resolved) -> Iterator[Problem]:
    """Screen readers say by themselves that it is an image (WebAIM, Alternative Text, as universities quote it)."""
    alt, name = (media.alt or "").strip(), _name(media)
    where = "" if media.use.alt else " in media/library.yaml"
    if _SAYS_IMAGE.match(alt):
        what, fix = f"begins '{alt[:20].rstrip()}…'", f"Begin with what it shows{where}: that it is an image, is said."
    elif len(alt) <= 2 * len(name) and _letters(alt) in (_letters(name), _letters(name.rsplit(".", 1)[0])):
        what, fix = "is its file name", f"Write what it shows{where}."
    elif alt and len(alt) < _SHORTEST_ALT and _width(alt) < _SHORTEST_ALT:
        what, fix = f"has {len(alt)} characters: '{alt}'", f"Say in a sentence what it shows{where}."
    else:
        return
    yield HARD_TO_READ.at(media.place, f"The alt text of {name} {what}.", fix, post.id)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().lower()


def _width(text: str) -> int:
    """Characters; one of Chinese, Japanese or Korean says as much as two letters."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _run_together(post: Resolved, said: list[Piece], facts: Facts) -> Iterator[Problem]:
    """A hashtag of two words without a capital to tell them apart: #springmend is read out as one word.

    Without a dictionary this is known only where the same two words stand apart in the post or in the title of its
    campaign, or where an English tag has more letters than a word has. Each tag is told of once.
    Source: digitalaccessibility.virginia.edu/social-media, read 2026-11-22.
    """
    found: dict[str, tuple[Place | None, Piece | None, int]] = {}
    for number, name in enumerate(post.hashtags):
        if _is_flat(tag := name.lstrip("#")):
            found.setdefault(tag, (post.post.place("hashtags", number), None, 0))
    for piece in said:
        if "#" in piece.text:
            for match in _TAG.finditer(piece.text):
                if _is_flat(match[1]):
                    found.setdefault(match[1], (None, piece, match.start()))
    if not found:
        return
    apart = {"".join(pair): pair for pair in pairwise(_nearby(post, facts)) if min(map(len, pair)) > 1}
    for tag, (place, inside, at) in found.items():
        if (pair := apart.get(tag.lower())) is not None:
            fix = f"Write #{''.join(map(str.capitalize, pair))}."
        elif len(tag) > _LONGEST_WORD and tag.isascii() and _language(post, facts).startswith("en"):
            fix = "Begin each of its words with a capital."
        else:
            continue
        spot = inside.place(at) if inside else place or Place(post.post.file)
        yield HARD_TO_READ.at(spot, f"#{tag[:_QUOTED]} is read out as one word.", fix, post.id,
                              inside.channel if inside else None)


def _is_flat(tag: str) -> bool:
    """Whether a hashtag is long enough for two words and has no capital within, or nothing but capitals."""
    return len(tag) > 5 and tag.isalpha() and (tag[1:].islower() or tag.isupper())


def _nearby(post: Resolved, facts: Facts) -> list[str]:
    """The words of the post and of the title of its campaign."""
    said = [text for section in post.post.sections for text in section.parts]
    home = f"{facts.content.root}/campaigns/{post.post.campaign}/campaign.yaml"
    said += [getattr(entry.value, "title", None) or "" for entry in facts.content.entries if entry.file == home]
    return words("\n".join(said))


def _language(post: Resolved, facts: Facts) -> str:
    return post.language or getattr(facts.content.entry("strategy"), "language", None) or ""


def _may_be_shouted(text: str) -> bool:
    """Whether there may be so many words in capitals; costs less than to look for them."""
    pattern = _TWO_PLAIN_CAPITALS if text.isascii() else _TWO_CAPITALS
    return len(pattern.findall(text)) > _FEW_CAPITALS


def _shouted(piece: Piece, post: Resolved) -> Iterator[Problem]:
    """Names, tags and addresses are no words."""
    bare = _NO_WORDS.sub(lambda match: " " * len(match[0]), piece.text)
    shouted = [match for match in _CAPITALS.finditer(bare) if match[0].isupper()]
    if len(shouted) > _FEW_CAPITALS:
        yield HARD_TO_READ.at(piece.place(shouted[0].start()), f"{len(shouted)} words in capitals.",
                              "Write them small: capitals are harder to read, and may be read out letter by letter.",
                              post.id, piece.channel)


def _drawn(piece: Piece, post: Resolved) -> Iterator[Problem]:
    """Letters of another kind that look like letters. Full-width Latin is ordinary among Chinese or Japanese.

    Source: blog.nytsoi.net/2019/12/12/alt-text-for-text (what VoiceOver says of them), read 2026-11-22.
    """
    match = _STYLED.search(piece.text)
    if match is None or (_FULL_WIDTH.match(match[0]) and _CJK.search(piece.text)):
        return
    shown = match[0][:_QUOTED]
    plain = unicodedata.normalize("NFKC", shown)
    yield HARD_TO_READ.at(piece.place(match.start()), f"'{shown}' only looks like letters: it is read out sign by "
                          "sign, or not at all.", f"Write {plain}.", post.id, piece.channel)


def _many_emoji(piece: Piece, post: Resolved, facts: Facts) -> Iterator[Problem]:
    if not _PERHAPS_EMOJI.search(piece.text):
        return
    most = max(0, setting(facts, HARD_TO_READ, "emoji_max"))
    if sum(1 for _ in islice(_PERHAPS_EMOJI.finditer(piece.text), most + 1)) <= most:
        return
    shown = list(islice(emoji(piece.text), most + 1))
    if len(shown) > most:
        yield HARD_TO_READ.at(piece.begins, f"More than {most} emoji: {''.join(shown[:10])}.",
                              "Keep the ones that say something: each is read out by its name.", post.id, piece.channel)


def emoji(text: str) -> Iterator[str]:
    """The emoji of `text` as readers see them: grapheme clusters that are shown as pictures (Unicode TR 51).

    What is text unless told otherwise (✔ © ↔) counts only with the variation selector that tells.
    """
    import regex

    picture = regex.compile(r"\p{Emoji_Presentation}|[\uFE0F\u20E3]"
                            r"|(?=[\U0001F000-\U0001FAFF])\p{Extended_Pictographic}")
    # For each cluster `regex` looks back over a whole run of flag letters: who asks for the first few pays little.
    return (match[0] for match in regex.finditer(r"\X", text) if picture.search(match[0]))


UNDESCRIBED = Rule("ACC001", Severity.error, "F", "An image has no alt text and is not decorative, a video has no "
                   "captions, or a sound no transcript.", "Describe it for people who cannot see or hear it.",
                   post=_undescribed)
HARD_TO_READ = Rule("ACC002", Severity.warning, "F", "An alt text begins 'image of', is the file name or has less than "
                    "10 characters; a hashtag of two words has no capitals; more than 3 emoji; letters that are drawn; "
                    "more than 3 words in capitals.", "Write it as you would read it aloud.", post=_hard_to_read,
                    knobs={"emoji_max": 3})
RULES = (UNDESCRIBED, HARD_TO_READ)
