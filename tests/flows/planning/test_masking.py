"""What looks like a secret is found wherever it stands, shown by its first four characters, and nothing else is."""
import re
import secrets as chance
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.planning import masking
from flows.planning.masking import masked, secrets, without_secrets
from schemas.place import Place
from schemas.problem import Problem, Severity

# Put together here, so that nobody's scanner takes this file for a leak.
LETTERS = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9" * 8
SHAPES = {
    "AWS": "AK" + "IAIOSFODNN7EXAMPLE",
    "AWS, for a while": "AS" + "IAIOSFODNN7EXAMPLE",
    "GitHub": "gh" + "p_" + LETTERS[:36],
    "GitHub, fine-grained": "github" + "_pat_" + LETTERS[:60],
    "GitLab": "gl" + "pat-" + LETTERS[:20],
    "Slack": "xo" + "xb-12345678901-" + LETTERS[:20],
    "Slack's hook": "https://hooks." + "slack.com/services/T00000000/B00000000/" + LETTERS[:24],
    "Discord's hook": "https://discord" + ".com/api/webhooks/123456789012345678/" + LETTERS[:68],
    "Meta": "EA" + "A" + LETTERS[:60],
    "X": "AAAAA" + "AAAAA" + LETTERS[:90],
    "Stripe": "sk" + "_live_" + LETTERS[:24],
    "Google": "AI" + "za" + LETTERS[:35],
    "Google's client": "GOC" + "SPX-" + LETTERS[:28],
    "OpenAI": "sk" + "-proj-" + LETTERS[:40] + "T3Blbk" + "FJ" + LETTERS[:40],
    "Anthropic": "sk" + "-ant-api03-" + LETTERS[:93],
    "npm": "np" + "m_" + LETTERS[:36],
    "SendGrid": "S" + "G." + LETTERS[:22] + "." + LETTERS[:43],
    "Telegram": "123456789:A" + "A" + LETTERS[:33],
    "age": "AGE-SECRET" + "-KEY-1" + "Q" * 58,
    "a private key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
    "a JWT": "ey" + "J" + LETTERS[:20] + ".ey" + "J" + LETTERS[:30] + "." + LETTERS[:40],
    "a login in an address": "https://wren:hunter" + "22@mill.example/",
    "a named password": "Password = '" + LETTERS[:20] + "'",
    "a named token": "https://mill.example/?access_token=" + LETTERS[:24],
    "a signed address": "https://mill.example/?X-Amz-" + "Signature=" + "0a1b2c3d" * 8,
    "a token without a name": "aB3-dE5_gH7jK9mN1pQ3sT5vW7yZ9aC2eG4iL6oR8u0",
}


@pytest.mark.parametrize("what", SHAPES)
def test_every_shape_is_found_in_any_text(what: str) -> None:
    """A secret alone, in a sentence, in front matter and in a file's name is found, and masked where it is quoted."""
    secret = SHAPES[what]
    middle = len(secret) // 2

    for text in (secret, f"Our key is {secret} now.", f'---\nat: x\nalt: "{secret}"\n---\nHi\n', f"a/{secret} .txt"):
        [(at, shown)] = list(secrets(text))
        assert (text[at:at + 4], len(shown)) == (shown[:-1], 5)
        assert secret[middle - 4:middle + 4] not in masked(text)
        assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize("text", [
    "password: perseverance-and-patience", "The secret: people who care", "secret: short1",
    "token: of-our-thanks-to-2027",
    "https://docs.example/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    "https://x.example/?utm_source=mastodon&fbclid=IwAR0abcDEF123ghiJKL456mnoPQR789stuVWX012yzABC345",
    "sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "550e8400-e29b-41d4-a716-446655440000-550e8400-e29b",
    "posts/2027-03-04-the-first-repair-evening-of-the-whole-spring",
    "media: AF1QipNqXhVx4cQ3nRk2mWzP-7bT9aYd6eLs0uGfHjKo.jpg", "#ThisIsAnOddTagWeMadeIn2027ForTheFunOfItAll24",
    "ThisIsAnOddTagWeMadeIn2027ForTheFunOfItAllInAll", "0x52908400098527886E0F7030069857D2E4169EE7",
    "Solana: 7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtVa9", "https://wren@mill.example:8080/@mill/later",
    "wren@mill.example", "=" * 60, "-" * 80, "A" * 60, "EAA", "https://a:b", "0" * 90, "skills_live_on_2027",
])
def test_near_misses_of_secrets(text: str) -> None:
    """Sentences, addresses with long names in them, hashes, file names, hashtags and accounts to give to are text."""
    assert list(secrets(text)) == []
    assert masked(text) == text


def test_chance_is_seen() -> None:
    """Of tokens without any name, as networks make them, more than nine in ten are found."""
    letters = string.ascii_letters + string.digits
    made = [chance.token_urlsafe(32) for _ in range(300)]
    made += ["".join(chance.choice(letters) for _ in range(45)) for _ in range(300)]

    assert sum(1 for token in made if list(secrets(f"take {token} with you"))) > 540


@given(before=st.text(max_size=20), after=st.text(max_size=20), what=st.sampled_from(sorted(SHAPES)))
def test_looking_away_early_misses_nothing(before: str, after: str, what: str) -> None:
    """What the whole pattern finds in any text is found, though most texts are put aside without it."""
    text = f"{before}{SHAPES[what]}{after}"

    assert {match.start() for match in masking._SECRET.finditer(text)} <= {at for at, _ in secrets(text)}


@given(st.lists(st.sampled_from([*SHAPES.values(), " ", "\n", "é", "x", ": ", "secret", "://", "@"]), max_size=8))
def test_masking_keeps_everything_else(pieces: list[str]) -> None:
    """Of any text, every character outside of secrets stays, in its order."""
    text = "".join(pieces)
    kept = re.escape(masked(text)).replace("…", "(?s:.*)")

    assert re.fullmatch(kept, text)


def test_problems_quote_no_secret() -> None:
    """A message and a remedy that quote what an author wrote show its first four characters."""
    secret = SHAPES["AWS"]
    problem = Problem("SYN002", Severity.error, Place("a.md"), f"No key '{secret}'.", f"Did you mean {secret}?")

    [shown] = without_secrets([problem])

    assert (shown.message, shown.remedy) == (f"No key '{secret[:4]}…'.", f"Did you mean {secret[:4]}…?")
