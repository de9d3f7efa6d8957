"""How French asks and boasts."""
from flows.planning.tongues.tongue import Tongue, words

FRENCH = Tongue(
    asks={
        "inscri": r"^(?:inscrivez-vous|inscris-toi)(?! (?:sur les listes|à pôle|en mairie)(?!\w))",
        "rejoi": "^(?:rejoignez|rejoins)(?:-| )(?:nous|notre|le club|l['’]équipe|l['’]association|la communauté)",
        "adhér": "^adhérez (?:à (?:l['’]association|notre)|dès|maintenant|ici)",
        "membre": r"^(?:devenez|deviens) (?:\w{1,20} )?membres?",
        "dev": "^(?:devenez|deviens) (?:adhérente?|bénévole|donateur|donatrice|mécène)",
        "réserver": "(?:n['’]oubliez pas de|pensez à) réserver (?:votre|vos|une place)",
        "inscrire": "(?:n['’]oubliez pas de|pensez à) vous inscrire",
        "un don": r"^(?:faites|fais) un don(?! (?:de (?:sang|plasma|temps)|de votre temps)(?!\w))",
        "donne": "^donnez (?:maintenant|aujourd['’]hui|ici|pour (?:que|le|la|les|notre|nos))",
        "réserve": "^réserve[zr]? (?:votre|vos|ta|tes|une place|maintenant|ici|dès)",
        "achet": "^achetez (?:maintenant|ici|vos billets|votre (?:billet|place|exemplaire)|en ligne)",
        "achèt": "^achète (?:maintenant|ici|tes billets|ton billet)",
        "commande": "^commande[zr]? (?:maintenant|ici|en ligne|dès|(?:votre|vos) (?:billets?|exemplaires?))",
        "vote": "^vote[zr]? (?:pour nous|pour notre|maintenant|ici|en ligne)",
        "abonn": r"^(?:abonnez-vous|abonne-toi)(?! moins(?!\w))",
        "suive": r"^suivez-nous(?! (?:dans|à travers|au|aux|jusqu|derrière|pas à pas|pour une journée)(?!\w))",
        "souten": "^soutenez(?:-nous| notre| nos)",
        "signe": "^signe[zr]? (?:la|notre|cette) pétition",
        "profite": "^profitez de (?:notre offre|cette offre|l['’]offre|la promotion)",
    },
    shares={
        "partage": r"^partagez? (?:ce|cet|cette|le|notre|la) (?:post|message|publication|lien|article|vidéo|page)"
                   r"(?! (?:en|entre)(?!\w))",
        "partager": r"(?:merci de|veuillez|n['’]hésitez pas à) "
                    r"(?:le |la |les )?partager(?=\s{0,3}(?:[!.,:;…)–—]|$)"
                    r"| (?:ce|cet|cette|notre|largement|massivement|autour)(?!\w))",
        "identifie": r"^identifie[zr]? (?:un|une|vos|deux|trois) ami\w{0,2}",
        "likez": "^likez",
    },
    boasts={
        "prix": r"(?:remporté|gagné|reçu|obtenu) (?:un|le|notre) (?:\w{1,20} )?prix",
        "primé": "primée?s? (?:par|au|aux|à)",
        "fi": "(?:sommes|très) fi(?:ers|ères)",
        "anniversaire": r"(?:notre|nos) (?:\w{1,20} )?anniversaires?",
        "nommé": "(?:avons été|sommes) nommée?s? (?:parmi|dans|pour|au|aux|à)",
        "élu": "(?:avons été|sommes) élue?s?",
        "abonnés": r"\d[\d.,]{0,12}+ abonnés",
    },
    invites=words("veuillez"),
    leads=words("et ou puis alors aussi"),
    narrates=words("nous ils elles on qui je"),
)
