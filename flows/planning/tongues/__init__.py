"""The languages that are heard, one file each."""
from collections.abc import Mapping

from flows.planning.tongues.dutch import DUTCH
from flows.planning.tongues.english import ENGLISH
from flows.planning.tongues.french import FRENCH
from flows.planning.tongues.german import GERMAN
from flows.planning.tongues.italian import ITALIAN
from flows.planning.tongues.portuguese import PORTUGUESE
from flows.planning.tongues.spanish import SPANISH
from flows.planning.tongues.tongue import Tongue

BOOK: Mapping[str, Tongue] = {
    "en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH, "nl": DUTCH, "it": ITALIAN, "pt": PORTUGUESE,
}
"""By the two letters of the language."""
