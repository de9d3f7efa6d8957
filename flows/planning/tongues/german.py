"""How German asks and boasts."""
from flows.planning.tongues.tongue import Tongue, words

_ARTICLES = "der|die|den|dem|das|ein|eine|einem|einen|einer|unserer|unserem|unseren|jeder|jedem"
_YOURS = "deine?n?|eure?n?|ihre?n?"
_PLACE = "platz|plätze|tickets?|karten?|termin|exemplare?|kalender"
_A_PLACE = f"(?:dir |euch |sich )?(?:jetzt|hier|tickets|karten|(?:{_YOURS}|einen?) (?:{_PLACE}))"
_WORD = r"[^\s.!?,:;]{1,20}"
_NOT = "keine?n?|nicht|nie|nirgends"

GERMAN = Tongue(
    asks={
        "jetzt": rf"^jetzt (?:(?:gleich|hier|kostenlos|online|noch|schnell|(?:(?:{_YOURS}) )?(?:{_PLACE})) )?(?:"
                 r"anmelden|buchen|kaufen|bestellen|spenden|registrieren|mitmachen|abstimmen|abonnieren|beitreten|"
                 r"bewerben|eintragen|unterstützen|mitglied werden|sichern|reservieren)",
        "hier": "^hier (?:geht['’]s zur anmeldung|geht es zur anmeldung|anmelden|spenden|buchen|bestellen|mitmachen)",
        "meld": rf"^(?:melde dich|meldet euch|melden sie sich)(?: {_WORD}){{0,4}} an(?! (?:{_ARTICLES})(?!\w))",
        "trag": rf"^(?:trage? dich|tragt euch|tragen sie sich)(?: {_WORD}){{0,4}} ein(?! (?:{_ARTICLES})(?!\w))",
        "registrier": rf"^(?:registriere? dich|registriert euch|registrieren sie sich)(?! (?:{_NOT})(?!\w))",
        "mach": r"^(?:mach|macht|machen sie) (?:jetzt |auch |alle )?mit(?=\s{0,3}(?:[!.,:;…)–—]|$)"
                r"| (?:bei|beim|und|am|im|in|jetzt|ab|unter|heute)(?!\w))",
        "spende": rf"^(?:spende (?:jetzt|hier|heute)|spendet|spenden sie)(?! (?:blut|plasma|{_NOT})(?!\w))",
        "bitte spende": rf"bitte spende[tn]?(?! (?:sie )?(?:blut|plasma|{_NOT})(?!\w))",
        "mitglied": "^(?:werde|werdet|werden sie) (?:jetzt |noch heute )?(?:förder)?mitglied(?:er)?",
        "bei": rf"^(?:tritt|tretet|treten sie)(?: {_WORD}){{1,3}} bei",
        "buch": f"^(?:buche?|bucht|buchen sie) {_A_PLACE}",
        "reservier": f"^(?:reserviere?|reserviert|reservieren sie) {_A_PLACE}",
        "kauf": f"^(?:kaufe?|kauft|kaufen sie) (?:bei uns|{_A_PLACE})",
        "bestell": f"^(?:bestelle?|bestellt|bestellen sie) (?:bei uns|{_A_PLACE})",
        "sich": rf"^(?:sichere? dir|sichert euch|sichern sie sich)(?: {_WORD}){{0,4}} (?:{_PLACE}|rabatt|angebot)",
        "stimm": r"^(?:stimme?|stimmt|stimmen sie) (?:jetzt |hier )?für (?:uns|mich|unse\w{1,3})",
        "abonnier": r"^(?:abonniere?|abonniert|abonnieren sie)(?! (?:weniger|nichts)(?!\w))",
        "folg": r"^(?:folge?|folgt|folgen sie) uns"
                r"(?! (?:durch|in|ins|hinter|zu|zum|zur|nach|über|auf (?:den|die|dem|eine))(?!\w))",
        "unterstütz": r"^(?:unterstütze?|unterstützt|unterstützen sie) (?:unsere?n?|"
                      r"uns(?! (?:mit (?:ihrem|eurem|deinem) (?:wissen|rat)|bei der (?:suche|bestimmung))(?!\w)))",
        "unterschreib": "^(?:unterschreibe?|unterschreibt|unterschreiben sie) (?:jetzt|hier|die petition|unsere)",
    },
    shares={
        "teil": "^(?:teile?|teilt|teilen sie) (?:diesen|den|unseren|dieses) (?:beitrag|post|aufruf|link|video)",
        "bitte teilen": r"bitte teilen(?=\s{0,3}(?:[!.,:;…)–—]|$)"
                        r"| sie (?:diesen|unseren|dieses) (?:beitrag|post|aufruf|link|video))",
        "weiter": "^(?:bitte )?(?:weitersagen|sagt es weiter|sag es weiter|sagen sie es weiter)",
        "markier": r"^(?:markiere?|markiert|markieren sie) (?:eine?n?|deine|eure|zwei|drei) freund\w{0,5}",
    },
    boasts={
        "ausgezeichnet": r"(?:wir wurden|wurden wir|wir sind|sind wir) (?:\w{1,20} ){0,5}ausgezeichnet",
        "gewonnen": r"(?:wir haben|haben wir) (?:\w{1,20} ){0,5}gewonnen",
        "preisgekrönt": "preisgekrönte?[nrs]?",
        "stolz": r"(?:wir sind|sind wir) (?:\w{1,12} )?stolz",
        "nominiert": r"(?:wir wurden|wurden wir|wir sind|sind wir) (?:\w{1,20} ){0,4}nominiert",
        "meilenstein": "meilensteine?n?",
        "jubiläum": r"(?:unser|\d{1,3}\.|\d{1,3}-?jähriges) jubiläum",
        "geburtstag": r"unser(?:en)? (?:\d{1,3}\. )?geburtstag",
        "follower": r"\d[\d.,]{0,12}+ follower(?:n|innen)?",
        "des jahres": "(?:verein|projekt|produkt|team|unternehmen|laden) des jahres",
    },
    invites=words("bitte"),
    leads=words("und oder dann jetzt also gleich einfach"),
    narrates=words("wir sie die ich leute menschen wer"),
)
