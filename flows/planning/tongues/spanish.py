"""How Spanish asks and boasts."""
from flows.planning.tongues.tongue import Tongue, words

SPANISH = Tongue(
    asks={
        "inscr": "^(?:inscríbete|inscríbase|inscribíos|inscríbanse)",
        "ap": "^(?:apúntate|apúntese|apuntaos)",
        "regístr": "^(?:regístrate|regístrese|regístrense)",
        "únete": r"^únete(?: a|!| hoy| ahora|\.)",
        "únase": "^únase a",
        "hazte": "^hazte (?:socio|socia|miembro|voluntari[oa])",
        "don": "^(?:dona|done|donad) (?:ahora|hoy|aquí|ya)",
        "donación": "^(?:haz|haga|haced) una donación",
        "compra": "^(?:compra|compre|comprad) (?:ahora|hoy|aquí|ya|tus? entradas?|tu)",
        "reserva": "^(?:reserva|reserve|reservad) (?:ahora|hoy|aquí|ya|tu|su|una plaza)",
        "vota": "^(?:vota|vote|votad) (?:por nosotros|ahora|hoy|aquí|ya)",
        "suscr": "^(?:suscríbete|suscríbase|suscribíos)",
        "sígue": "^(?:síguenos|síganos)",
        "seguidnos": "^seguidnos",
        "apóya": "^(?:apóyanos|apóyenos)",
        "firma": "^(?:firma|firme|firmad) (?:la|nuestra|esta) petición",
    },
    shares={
        "compart": "^(?:comparte|comparta|compartid) (?:este?|esta|el|la|nuestr[ao]) "
                   "(?:publicación|post|mensaje|enlace|vídeo|video|página)",
        "por favor": "por favor,? compart(?:e|an|id|a)",
        "difusión": "(?:máxima difusión|dadle difusión)",
        "etiqueta": r"^etiquet(?:a|e|ad) a (?:un|una|dos|tres|tus) amig\w{1,3}",
    },
    boasts={
        "premio": r"(?:ganado|recibido|ganamos|recibimos) (?:un|el|nuestro) (?:\w{1,20} )?premio",
        "premiad": "(?:hemos sido|fuimos) premiad[oa]s",
        "orgullos": "(?:estamos|muy) orgullos[oa]s",
        "aniversario": r"(?:nuestro|cumplimos) (?:\w{1,20} )?aniversario",
        "seguidores": r"\d[\d.,]{0,12}+ seguidores",
        "hito": r"(?:un|nuestro|este) (?:\w{1,20} )?hito",
    },
    invites=frozenset(),
    leads=words("y e o luego entonces también ahora hoy"),
    narrates=words("nosotros ellos ellas que quien quienes se yo"),
)
