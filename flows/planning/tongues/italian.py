"""How Italian asks and boasts."""
from flows.planning.tongues.tongue import Tongue, words

ITALIAN = Tongue(
    asks={
        "iscriv": "^(?:iscriviti|iscrivetevi|si iscriva)",
        "unisciti": "^unisciti a(?: noi|l|lla)",
        "unitevi": "^unitevi a(?: noi|l|lla)",
        "soci": "^(?:diventa|diventate) soci[oa]?",
        "membro": "^(?:diventa|diventate) membr[oi]",
        "dona": "^(?:dona|donate) (?:ora|oggi|qui|adesso)",
        "donazione": "^(?:fai|fate) una donazione",
        "acquista": "^acquista(?:te)? (?:ora|oggi|qui|adesso|(?:il tuo|il) biglietto|i (?:tuoi )?biglietti)",
        "compra": "^compra(?:te)? (?:ora|oggi|qui|adesso|(?:il tuo|il) biglietto|i (?:tuoi )?biglietti)",
        "prenota": "^prenota(?:te)? (?:ora|oggi|qui|adesso|il tuo|il vostro|un posto|subito)",
        "ordina": "^ordina(?:te)? (?:ora|oggi|qui|adesso|subito|la tua copia)",
        "registra": "^(?:registrati|registratevi)",
        "vota": "^vota(?:te)? (?:per noi|ora|oggi|qui|adesso)",
        "abbona": "^(?:abbonati|abbonatevi)",
        "segui": r"^(?:seguici|seguiteci)(?! (?:nel|nella|dentro|attraverso|passo|fino|tra)(?!\w))",
        "sost": "^(?:sostienici|sosteneteci)",
        "firma": "^firma(?:te)? (?:la|questa|la nostra) petizione",
    },
    shares={
        "condivid": "^condivid(?:i|ete) (?:questo|il|la|questa|il nostro) (?:post|messaggio|link|video|pagina)",
        "per favore": r"per favore,? condivid(?:i|ete)(?! (?:il tuo|la tua|i tuoi|le tue|come|cosa|con noi)(?!\w))",
        "passaparola": "^(?:fate|fai) passaparola",
        "tagga": r"^tagga(?:te)? (?:un|una|due|tre|i tuoi) amic\w{1,3}",
    },
    boasts={
        "premio": r"(?:vinto|ricevuto) (?:un|il|il nostro) (?:\w{1,20} )?premio",
        "premiat": "(?:siamo stat[ie]) premiat[ie]",
        "orgoglios": "(?:siamo|molto) orgoglios[ie]",
        "anniversario": r"(?:il nostro|nostro) (?:\w{1,20} )?anniversario",
        "follower": r"\d[\d.,]{0,12}+ followers?",
        "traguardo": r"(?:un|nostro|questo) (?:\w{1,20} )?traguardo",
    },
    invites=frozenset(),
    leads=words("e o poi allora anche ora oggi"),
    narrates=words("noi loro che chi io si"),
)
