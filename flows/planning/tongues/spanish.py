"""How Spanish asks and boasts."""
from flows.planning.tongues.tongue import Tongue, words

_AT_AN_OFFICE = r"en el (?:padrón|censo|paro|registro)(?!\w)"

SPANISH = Tongue(
    asks={
        "inscr": rf"^(?:inscríbete|inscríbase|inscribíos|inscríbanse)(?! {_AT_AN_OFFICE})",
        "ap": r"^(?:apúntate|apúntese|apuntaos)(?! (?:est[aeo]s?|el truco|las medidas|la fecha|"
              r"en (?:un|una|tu|el) (?:papel|libreta|cuaderno|calendario|agenda|móvil))(?!\w))",
        "regístr": rf"^(?:regístrate|regístrese|regístrense)(?! {_AT_AN_OFFICE})",
        "únete": r"^únete(?: a|!| hoy| ahora|\.)",
        "únase": "^únase a",
        "hazte": "^hazte (?:socio|socia|miembro|voluntari[oa])",
        "don": "^(?:dona|done|donad) (?:ahora|hoy|aquí|ya)",
        "donación": "^(?:haz|haga|haced) una donación(?! de sangre)",
        "donativo": "^(?:haz|haga|haced) un donativo",
        "colabor": "^(?:colabora|colabore|colaborad) con nosotr[oa]s",
        "compr": "^(?:compra|compre|comprad) (?:ahora|hoy|aquí|ya|tus? (?:entradas?|ejemplar|calendario))",
        "reserv": "^(?:reserva|reserve|reservad) (?:ahora|hoy|aquí|ya|(?:tus?|sus?|una|vuestra) "
                   "(?:plazas?|mesa|entradas?|cita|asiento|visita))",
        "vot": "^(?:vota|vote|votad) (?:por nosotros|ahora|hoy|aquí|ya)",
        "suscr": r"^(?:suscríbete|suscríbase|suscribíos)(?! a menos(?!\w))",
        "síg": r"^(?:síguenos|síganos)(?! (?:por (?:el|la|los|las)|hasta|dentro|al|a través)(?!\w))",
        "seguidnos": "^seguidnos",
        "apóy": r"^(?:apóyanos|apóyenos)(?! (?:el|la|los|las)(?!\w))",
        "firm": "^(?:firma|firme|firmad) (?:la|nuestra|esta) petición",
    },
    shares={
        "compart": r"^(?:comparte|comparta|compartid) (?:este?|esta|el|la|nuestr[ao]) "
                   r"(?:publicación|post|mensaje|enlace|vídeo|video|página)(?! (?:en|entre)(?!\w))",
        "por favor": r"por favor,? compart(?:e|an|id|a)"
                     r"(?! (?:tus?|sus?|vuestr[ao]s?|cómo|qué|una?|con nosotr[oa]s)(?!\w))",
        "difusión": "(?:máxima difusión|dadle difusión)",
        "etiquet": r"^etiquet(?:a|e|ad) a (?:un|una|dos|tres|tus) amig\w{1,3}",
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
