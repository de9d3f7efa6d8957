"""How German asks and boasts."""
from flows.planning.tongues.tongue import Tongue, words

GERMAN = Tongue(
    asks={
        "jetzt": "jetzt (?:gleich |hier |kostenlos |online )?(?:anmelden|buchen|kaufen|bestellen|spenden|registrieren|"
                 "mitmachen|abstimmen|abonnieren|beitreten|bewerben|eintragen|unterstützen|mitglied werden|sichern)",
        "meld": r"^(?:melde dich|meldet euch|melden sie sich)(?: [^\s.!?]{1,20}){0,4} an",
        "trag": r"^(?:trage? dich|tragt euch|tragen sie sich)(?: [^\s.!?]{1,20}){0,4} ein",
        "registrier": "(?:registriere? dich|registriert euch|registrieren sie sich)",
        "mach": "^(?:mach|macht|machen sie) (?:jetzt |auch )?mit(?! (?:de[mnr]|eine[mnr]?|zwei|etwas))",
        "spende": "^(?:spende (?:jetzt|hier|heute)|spendet|spenden sie)",
        "bitte spende": "bitte spende[tn]?",
        "mitglied": "^(?:werde|werdet|werden sie) (?:jetzt |noch heute )?(?:förder)?mitglied(?:er)?",
        "bei": r"^(?:tritt|tretet|treten sie)(?: [^\s.!?]{1,20}){1,3} bei",
        "buch": "^(?:buche|bucht|buchen sie) (?:jetzt|hier|deinen|dein|euren|ihren|einen platz|dir|euch)",
        "kauf": "^(?:kaufe?|kauft|kaufen sie) (?:jetzt|hier|bei uns|tickets|karten|dein|deine|eure)",
        "bestell": "^(?:bestelle?|bestellt|bestellen sie) (?:jetzt|hier|bei uns|dein|deine|deinen|euer|ihr)",
        "sich": "^(?:sichere? dir|sichert euch|sichern sie sich)",
        "stimm": "^(?:stimme?|stimmt|stimmen sie) (?:jetzt |hier )?(?:für uns|für mich|ab)",
        "abonnier": "^(?:abonniere?|abonniert|abonnieren sie)",
        "folg": "^(?:folge?|folgt|folgen sie) uns",
        "unterstütz": "^(?:unterstütze?|unterstützt|unterstützen sie) (?:uns|unsere?n?)",
        "unterschreib": "^(?:unterschreibe?|unterschreibt|unterschreiben sie) (?:jetzt|hier|die petition|unsere)",
    },
    shares={
        "teil": "^(?:teile?|teilt|teilen sie) (?:diesen|den|unseren|dieses) (?:beitrag|post|aufruf|link|video|text)",
        "bitte teilen": "bitte teilen",
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
