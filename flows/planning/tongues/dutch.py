"""How Dutch asks and boasts."""
from flows.planning.tongues.tongue import Tongue, words

DUTCH = Tongue(
    asks={
        "schrijf": r"^schrijf (?:je|u|jullie)(?: [^\s.!?,:;]{1,20}){0,4} in(?! (?:de|het|een|onze)(?!\w))",
        "meld": r"^meld (?:je|u|jullie)(?: [^\s.!?,:;]{1,20}){0,4} aan(?! (?:de|het|een|onze)(?!\w))",
        "word": "^word (?:nu |ook |vandaag nog )?(?:lid|vrijwilliger|donateur|vriend van)",
        "doneer": r"^doneer(?! (?:bloed|plasma)(?!\w))",
        "doe mee": "^doe mee(?! met (?:een|twee))",
        "koop": "^koop (?:nu|hier|vandaag|(?:(?:je|jouw|uw) )?(?:kaarten|kaartje|tickets?))",
        "bestel": "^bestel (?:nu|hier|vandaag|(?:(?:je|jouw|uw) )?(?:kaarten|kaartje|tickets?|exemplaar))",
        "boek": "^boek (?:nu|hier|je|jouw|uw|vandaag|een plek)",
        "reserveer": "^reserveer (?:nu|hier|vandaag|online|(?:je|jouw|uw|een) (?:plek|plaats|tafel|kaarten|ticket))",
        "stem": "^stem (?:nu|hier|op ons|vandaag|voor ons)",
        "abonneer": "^abonneer",
        "volg": "^volg ons",
        "steun": "^steun (?:ons|onze)",
        "registreer": "^registreer (?:je|u|nu|hier)",
        "teken": "^teken (?:de|onze|deze) petitie",
    },
    shares={
        "deel": "^deel (?:dit|deze|het|ons|onze) (?:bericht|post|pagina|link|video|oproep)",
        "graag delen": "graag delen",
        "zegt het": "^zegt het voort",
        "tag": r"^tag (?:een|je|twee|drie) vriend\w{0,5}",
    },
    boasts={
        "gewonnen": r"(?:we hebben|hebben we|wij hebben) (?:\w{1,20} ){0,5}gewonnen",
        "bekroond": "(?:bekroond met|bekroonde)",
        "trots": r"(?:we zijn|zijn we|wij zijn) (?:\w{1,12} )?trots",
        "genomineerd": r"(?:we|wij) (?:zijn|werden) (?:\w{1,20} ){0,4}genomineerd",
        "mijlpaal": "mijlpaal",
        "jubileum": r"(?:ons|\d{1,3}-jarig) (?:\w{1,20} )?jubileum",
        "volgers": r"\d[\d.,]{0,12}+ volgers",
    },
    invites=words("alsjeblieft svp"),
    leads=words("en of dan nu dus gewoon"),
    narrates=words("we wij ze zij mensen die ik"),
)
