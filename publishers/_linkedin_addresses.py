"""What LinkedIn calls a post and a comment, and the web addresses in which those names stand. Pure."""
import re
from urllib.parse import quote

from publishers._addresses import address_in
from schemas.ledger import PartReceipt

POST_URN = re.compile(r"urn:li:(?:share|ugcPost):[0-9]{1,20}")
COMMENT_URN = re.compile(r"urn:li:comment:\((?P<object>urn:li:(?:activity|share|ugcPost):[0-9]{1,20}),"
                         r"(?P<id>[0-9]{1,20})\)")
_SITE = "https://www.linkedin.com/feed/update"
_HOST = re.compile(r"(?:[a-z]{2,3}\.)?linkedin\.com")
_SLUG = re.compile(r"(?:.*-)?(share|ugcPost)-([0-9]{10,20})(?:-[\w-]*)?", re.IGNORECASE)
_LONGEST_SLUG = 500


def receipt(urn: str, twin: str | None) -> PartReceipt:
    """The receipt of a post or a comment. A twin shows all posts on one page. Raises ValueError for another URN."""
    comment = COMMENT_URN.fullmatch(urn)
    if comment is None and not POST_URN.fullmatch(urn):
        raise ValueError
    if twin is not None:
        return PartReceipt(id=urn, url=f"{twin}/#linkedin-{urn}")
    if comment is None:
        return PartReceipt(id=urn, url=f"{_SITE}/{urn}/")
    return PartReceipt(id=urn, url=f"{_SITE}/{comment['object']}/?commentUrn={quote(urn, safe='')}")


def urn_in(said: str, twin: str | None) -> str:
    """The URN that a person pasted, bare or in an address; empty when there is none.

    `activity` in an address is another number than the post's own, which `publish` would have given: it is no answer.
    """
    if POST_URN.fullmatch(said) or COMMENT_URN.fullmatch(said):
        return said
    if (given := address_in(said)) is None:
        return ""
    if twin is not None and (anchor := given.anchored(twin, "linkedin")):
        return anchor
    path = given.below(twin) if twin is not None else given.path if _HOST.fullmatch(given.host) else None
    if path and COMMENT_URN.fullmatch(comment := given.query.get("commentUrn", "")):
        return comment
    match path:
        case ("feed", "update", urn, *_) | ("embed", "feed", "update", urn, *_):
            return urn
        case ("posts", slug, *_) if found := _SLUG.fullmatch(slug[:_LONGEST_SLUG]):
            return f"urn:li:{'share' if found[1].lower() == 'share' else 'ugcPost'}:{found[2]}"
    return ""
