"""How Portuguese asks and boasts."""
from flows.planning.tongues.tongue import Tongue, words

PORTUGUESE = Tongue(
    asks={
        "inscrev": "^(?:inscreva-se|inscreve-te|inscrevam-se)",
        "junt": "^(?:junte-se|junta-te|juntem-se) a",
        "sócio": "^(?:torne-se|torna-te|seja) (?:nosso )?sóci[oa]",
        "membro": "^(?:torne-se|torna-te|seja) (?:nosso )?membro",
        "doe": "^doe (?:agora|hoje|aqui|já)",
        "doa": "^(?:faça|faz) uma doação",
        "donativo": "^(?:faça|faz) um donativo",
        "compr": "^compr[ea] (?:agora|hoje|aqui|já|(?:o seu|seu|o teu) (?:bilhete|ingresso)|os bilhetes)",
        "reserv": "^reserv[ea] (?:agora|hoje|aqui|já|o seu|seu|o teu|um lugar)",
        "encomend": "^encomend[ea] (?:agora|hoje|aqui|já|(?:o seu|o teu) exemplar)",
        "regist": "^(?:registe-se|registre-se|regista-te)",
        "cadastr": "^cadastre-se",
        "vot": "^vot[ea] (?:em nós|agora|hoje|aqui|já)",
        "sig": r"^(?:siga-nos|sigam-nos)(?! (?:pelo|pela|dentro|até|através)(?!\w))",
        "segue-nos": "^segue-nos",
        "assin": "^assin[ea] (?:a|a nossa|esta|nossa) petição",
        "apoi": "^(?:apoie|apoia)(?:-nos| o nosso| a nossa)",
    },
    shares={
        "artilh": "^(?:com)?partilh[ea]m? (?:esta|este|a|o) (?:publicação|post|mensagem|link|vídeo|página)",
        "por favor": r"por favor,? (?:com)?partilh[ea]m?(?! (?:o seu|a sua|o teu|a tua|como|connosco|conosco)(?!\w))",
        "marque": r"^marque (?:um|uma|dois|três|seus) amig\w{1,3}",
    },
    boasts={
        "prémio": r"(?:ganhámos|recebemos|ganhamos) (?:um|o|o nosso) (?:\w{1,20} )?prémio",
        "prêmio": r"(?:ganhamos|recebemos) (?:um|o|o nosso|nosso) (?:\w{1,20} )?prêmio",
        "premiad": "(?:fomos) premiad[oa]s",
        "orgulh": "(?:estamos|muito) orgulhos[oa]s|temos (?:o )?orgulho",
        "aniversário": r"(?:nosso|o nosso) (?:\w{1,20} )?aniversário",
        "seguidores": r"\d[\d.,]{0,12}+ seguidores",
    },
    invites=frozenset(),
    leads=words("e ou depois então também agora hoje"),
    narrates=words("nós eles elas que quem se eu"),
)
