"""What is heard in a text: calls that are meant as calls, and boasts; nothing in how-tos, stories and questions."""
import time
from collections.abc import Iterable
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.planning.hearing import Heard, _calls, asks, asks_to_share, boasts
from flows.planning.tongues import BOOK


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Join us on Thursday.", "Join us"),
        ("Six evenings. Come and join us!", "join us"),
        ("Bring it, mend it, and join with the first month free.", "join with the first month"),
        ("Join the tool library before it buys you.", "Join the tool library"),
        ("Sign up here", "Sign up"),
        ("sign  up below", "sign up"),
        ("👉 Sign up", "Sign up"),
        ("**Sign up** now", "Sign up"),
        ("**Book** your place", "Book your"),
        ("- donate", "donate"),
        ("Please donate a drill.", "donate"),
        ("If you liked it, sign up.", "sign up"),
        ("To book a seat, call Maren.", "book a seat"),
        ("Click here to join us", "join us"),
        ("Ready to register today?", "register today"),
        ("[Join](https://ours.example)", "Join"),
        ("Vote for us until Friday", "Vote for us"),
        ("Buy tickets at the desk.", "Buy tickets"),
        ("REGISTER FOR THE EVENING", "REGISTER FOR"),
        ("Share this.", "Share this"),
        ("share this", "share this"),
        ("Please share!", "Please share"),
        ("Hello.\nSubscribe", "Subscribe"),
        ("(book now)", "book now"),
        ("Become a library member", "Become a library member"),
        ("Register for Thursday's repair workshop", "Register for"),
        ("Don't forget to book your tickets!", "book your"),
        ("Will you donate £5 a month?", "Will you donate"),
        ("Can you please donate a drill?", "donate"),
        ("Follow us on Mastodon", "Follow us"),
        ("Volunteer with us!", "Volunteer with us"),
        ("Get tickets at the door", "Get tickets"),
        ("Use code SPRING10 until Friday", "Use code"),
        ("Sign up: https://ours.example/?from=here", "Sign up"),
    ],
)
def test_a_call_is_heard(text: str, phrase: str) -> None:
    """A verb that asks is heard where a clause begins, after please, and after an infinitive's own words."""
    heard = asks(text, ["en-IE"])

    assert heard is not None
    assert heard.phrase == phrase


@pytest.mark.parametrize(
    "text",
    [
        "The evenings join two groups",
        "an open book",
        "the vote was close",
        "join the two halves with glue",
        "Join the two halves with glue.",
        "Join here, then press.",
        "buy a drill and use it once",
        "People buy a drill and use it once.",
        "Bring one broken thing or just come and watch",
        "Which of the five should we film first?",
        "We meet every week and vote for us all.",
        "They now join us.",
        "You need not join us.",
        "We decided to donate it.",
        "Join us in thanking Nell",
        "Please share your story below",
        "Please don't share this",
        "Share this bench with a neighbour",
        "Register your drill with its maker",
        "Book: The Repair Manifesto",
        "book ends and an e-book",
        "re-join us",
        "#Join us",
        "ours.example/donate",
        "See donate.example and the donate-button",
        "Follow our three steps",
        "Order your drill bits by size",
        "Use the code on the box",
        "Apply a thin coat",
        "Support the shelf from below",
        "Donate blood? Here is what happens on the day.",
        "Donate blood on Tuesday: eat and drink before.",
        "Become a member of the pulley club? No: how a pulley works, in three drawings.",
        "Sponsor a child? The history of a Victorian idea.",
        "Sign up sheets from 1943 show who watched for fires.",
        "Subscribe button not showing? Clear the cache.",
        "Subscribe to fewer things: how to find what you forgot.",
        "Apply for help with heating by Friday: we fill in the form with you.",
        "Apply for Universal Credit: what you need before you begin.",
        "Register for council tax help if your income fell.",
        "Register to vote before the 19th: the form takes five minutes.",
        "Get your free smoke alarm from the fire service.",
        "Get your bike ready for winter.",
        "Claim your tax back: how Gift Aid works.",
        "Save your place with a bookmark made of an old belt.",
        "Shop online safely: five signs of a fake store.",
        "Use code blocks for the settings.",
        "Follow us around the workshop: bench, vice, tool wall.",
        "Follow us into the archive.",
        "Reserve today's whey: it makes good bread.",
        "",
        " ",
    ],
)
def test_a_story_a_question_and_a_how_to_ask_for_nothing(text: str) -> None:
    """The words of an ask in another sense are not heard."""
    assert asks(text, ["en"]) is None


@pytest.mark.parametrize(
    ("language", "text", "phrase"),
    [
        ("de", "Melde dich bis Freitag an!", "Melde dich bis Freitag an"),
        ("de-AT", "Wir freuen uns. Bitte spendet für die Werkstatt.", "Bitte spendet"),
        ("fr", "Inscrivez-vous avant jeudi.", "Inscrivez-vous"),
        ("fr", "Réservez votre place.", "Réservez votre"),
        ("es", "Únete a nosotros el jueves.", "Únete a"),
        ("nl", "Schrijf je voor vrijdag in.", "Schrijf je voor vrijdag in"),
        ("it", "Prenota il tuo posto.", "Prenota il tuo"),
        ("pt_BR", "Inscreva-se já.", "Inscreva-se"),
        ("de", "Mach mit!", "Mach mit"),
        ("de", "Macht mit bei der Sammlung", "Macht mit"),
        ("de", "Jetzt Tickets sichern!", "Jetzt Tickets sichern"),
        ("de", "Melden Sie sich für den Kurs an.", "Melden Sie sich für den Kurs an"),
        ("de", "Stimmt für uns!", "Stimmt für uns"),
        ("de", "Bitte teilen Sie diesen Beitrag", "Bitte teilen"),
        ("de", "Reserviert euch einen Platz", "Reserviert euch einen Platz"),
        ("fr", "Profitez de l'offre jusqu'à jeudi", "Profitez de l'offre"),
        ("fr", "Adhérez à l'association", "Adhérez à l'association"),
        ("fr", "Devenez bénévole", "Devenez bénévole"),
        ("fr", "Merci de partager !", "Merci de partager"),
        ("es", "Haz un donativo", "Haz un donativo"),
        ("es", "¡Apúntate ya!", "Apúntate"),
    ],
)
def test_other_languages_are_heard(language: str, text: str, phrase: str) -> None:
    """Each language has its own calls, whatever the region; none is heard in another."""
    heard = asks(text, [language])

    assert heard is not None
    assert heard.phrase == phrase
    assert asks(text, ["en"]) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Die Spende kam gestern an. Wir melden uns."),
        ("de", "Die Buche hier ist hundert Jahre alt."),
        ("de", "Macht mit einem Bohrer ein Loch."),
        ("fr", "Le vote était serré, et le livre est ouvert."),
        ("es", "La reserva de madera está seca."),
        ("nl", "De stem van de boormachine is luid."),
        ("it", "La vota passa, la firma resta."),
        ("pt", "A reserva de madeira está seca."),
        ("de", "Melde dich an der Kasse, wenn du Hilfe brauchst."),
        ("de", "Meldet euch gern, wir rufen zurück an."),
        ("de", "Bitte teilen Sie uns mit, was fehlt."),
        ("de", "Bitte teilen Sie den Teig in drei Stücke."),
        ("de", "Teile diesen Text in drei Absätze."),
        ("de", "Stimmt ab, welches Werkzeug wir als Nächstes zeigen."),
        ("de", "Macht mit Kreide einen Strich."),
        ("de", "Mach mit Schleifpapier die Kante rund."),
        ("de", "Jetzt bewerben? Drei Tipps für den Lebenslauf."),
        ("de", "Ihr könnt jetzt buchen oder später."),
        ("de", "Folge uns durch die Werkstatt."),
        ("de", "Unterstützt uns die Stadt? Antworten aus dem Rat."),
        ("de", "Sichere dir die Daten: ein Backup in drei Schritten."),
        ("de", "Kauf dein Holz beim Sägewerk: drei Fragen."),
        ("de", "Bestell dein Saatgut bis Februar, sonst ist es weg."),
        ("de", "Registriere dich nicht überall."),
        ("de", "Werde Mitglied? Nein danke, dachte ich."),
        ("de", "Bitte spendet keine nassen Kleider: sie schimmeln."),
        ("fr", "N'hésitez pas à partager vos astuces."),
        ("fr", "Merci de partager vos trucs avec nous."),
        ("fr", "Faites un don de sang : voici comment."),
        ("fr", "Acheter votre vélo d'occasion : cinq points."),
        ("fr", "Profitez de l'été pour aérer les tapis."),
        ("fr", "Inscrivez-vous sur les listes électorales."),
        ("fr", "Suivez-nous dans l'atelier."),
        ("fr", "Partagez la page en trois colonnes."),
        ("fr", "Abonnez-vous ? Non, achetez d'occasion."),
        ("es", "Apúntate este truco: vinagre y sal."),
        ("es", "Regístrate en el censo: así se hace."),
        ("es", "Por favor, comparte tu truco."),
        ("es", "Reserva tu energía: cómo levantar peso."),
        ("es", "Síguenos por el taller."),
        ("nl", "Meld je aan de balie."),
        ("nl", "Reserveer een kopje kookvocht."),
        ("it", "Ordina il tuo armadio in un'ora."),
        ("it", "Per favore, condividi il tuo trucco."),
    ],
)
def test_other_languages_tell_stories_too(language: str, text: str) -> None:
    """Nouns and stories are no calls in any language."""
    assert asks(text, [language]) is None


def test_nothing_is_heard_in_a_language_that_nobody_knows() -> None:
    """A language without phrases says nothing, though the text has English in it."""
    assert asks("Join us", ["cy"]) is None
    assert asks("Join us", []) is None
    assert asks("Join us", ["cy", "EN-gb"]) == Heard(0, "Join us")


def test_it_says_where_and_what_is_written() -> None:
    """The first phrase is told, with its place and as it is written."""
    assert asks("Six evenings.\nJOIN **us**, or donate.", ["en"]) == Heard(14, "JOIN us")
    assert asks("İİ. Sign up, then donate.", ["en"]) == Heard(4, "Sign up")


@pytest.mark.parametrize(
    ("own", "text", "heard"),
    [
        (["Mitglied werden"], "Du willst mitglied  werden?", Heard(10, "mitglied werden")),
        (["vote"], "the vote was close", Heard(4, "vote")),
        (["vote"], "The devote and votes.", None),
        (["vote"], "Sign up", None),
        ([], "Sign up", None),
        (["", " "], "Sign up", None),
        (["c++ (now)"], "Learn C++ (now) here", Heard(6, "C++ (now)")),
    ],
)
def test_phrases_of_ones_own_count_instead(own: list[str], text: str, heard: Heard | None) -> None:
    """Phrases that somebody lists are found as whole words wherever they stand, and ours are not looked for."""
    assert asks(text, ["en"], own) == heard


def test_asking_to_share_is_asking() -> None:
    """To ask for a share is an ask; to join is no share."""
    assert asks_to_share("Join us. Please share!", ["en"]) == Heard(9, "Please share")
    assert asks_to_share("Join us.", ["en"]) is None
    assert asks_to_share("Bitte teilen!", ["de"]) == Heard(0, "Bitte teilen")


@pytest.mark.parametrize(
    ("language", "text", "phrase"),
    [
        ("en", "Our award-winning workshop", "award-winning"),
        ("en", "Last night we won!", "we won"),
        ("en", "A milestone: 1,000 drills", "milestone"),
        ("en", "We’ve been shortlisted again", "We’ve been shortlisted"),
        ("en", "Thank you for 10k followers", "10k followers"),
        ("en", "The tenth anniversary", "tenth anniversary"),
        ("de", "Wir sind stolz auf euch", "Wir sind stolz"),
        ("fr", "Notre anniversaire", "Notre anniversaire"),
    ],
)
def test_boasts_are_heard(language: str, text: str, phrase: str) -> None:
    """Awards, milestones and birthdays of ours are told from other news."""
    heard = boasts(text, [language])

    assert heard is not None
    assert heard.phrase == phrase


@pytest.mark.parametrize(
    "text",
    ["We won't sell you a drill.", "The coldest day of the year", "We named one object", "214 things came in",
     "Who won the bet on the kettle?", "A rewarding evening", "Followers asked us 12 things"],
)
def test_news_is_no_boast(text: str) -> None:
    """What only looks like a success of ours is none."""
    assert boasts(text, ["en"]) is None


def _spoken(tree: Iterable[tuple[Any, Any]]) -> list[str]:
    """Texts of a pattern, among them each of its alternatives at least once."""
    made = [""]
    for sign, value in tree:
        name = str(sign)
        match name:
            case "LITERAL":
                more = [chr(value)]
            case "IN":
                more = ["a" if name == "CATEGORY_WORD" else "1" if name == "CATEGORY_DIGIT" else " "
                        if name == "CATEGORY_SPACE" else chr(first) if isinstance(first, int) else "x"
                        for first, name in [(value[0][1], str(value[0][1]))]]
            case "BRANCH":
                more = [text for branch in value[1] for text in _spoken(branch)]
            case "SUBPATTERN":
                more = _spoken(value[-1])
            case "MAX_REPEAT" | "POSSESSIVE_REPEAT":
                more = [text for text in _spoken(value[2]) for _ in (0,)] + ([""] if value[0] == 0 else [])
            case _:                                                # what only looks ahead says nothing
                continue
        made = [made[number % len(made)] + more[number % len(more)] for number in range(max(len(made), len(more)))]
    return made


@pytest.mark.parametrize("name", BOOK)
def test_every_phrase_can_be_heard(name: str) -> None:
    """No phrase is shut out by the part of it that is looked for first, or by what has to follow a phrase."""
    for call in _calls(name, ("asks", "shares", "boasts")):
        for text in _spoken(_parser.parse(call.pattern.pattern)):
            assert call.head in text
            assert any(call.pattern.match(text + tail) for tail in ("!", " our club", "](")), text


WORDS = st.sampled_from(
    ["join", "us", "please", "and", "to", "the", "share", "this", "book", "a", "we", "sign", "up", "(", "!", ".", "\n",
     "  ", "**", "İ", "é", "vote", "for", "melde", "dich", "an", "9", "followers", "won", "award", "-", ",", "👉", "https://a.b/"])


@given(st.lists(WORDS, max_size=40).map(" ".join))
def test_what_is_heard_always_stands_in_the_text(text: str) -> None:
    """The phrase is always found at its place, but for spaces and stars."""
    for heard in (asks(text, BOOK), asks_to_share(text, BOOK), boasts(text, BOOK)):
        if heard is not None:
            written = " ".join(text[heard.at:].replace("*", " ").split())
            assert written.startswith(heard.phrase)


@given(st.text(max_size=300))
def test_no_text_breaks_the_ear(text: str) -> None:
    """Any text can be listened to, and what is heard has a place in it."""
    for heard in (asks(text, BOOK), boasts(text, BOOK)):
        assert heard is None or 0 <= heard.at < len(text)


@pytest.mark.parametrize(
    "unit",
    ["join us ", "x join us ", "please ", "join ", "to ", "share this ", "9,", "9", "won a ", "book a ", "join the ",
     "we were ", "x and sign up ", "it won the ", " ", "(", "a", "x (((((((((((((((((((((((( sign up ", "e\u0301"],
)
def test_time_grows_as_the_text_does(unit: str) -> None:
    """64 kB made to be slow are heard in milliseconds; going back and forth in them would take minutes."""
    text = (unit * (64_000 // len(unit) + 1))[:64_000] + " sign up followers award"
    asks("", BOOK)
    boasts("", BOOK)
    begun = time.process_time()

    asks(text, ["en"])
    boasts(text, ["en"])

    assert time.process_time() - begun < 0.5
