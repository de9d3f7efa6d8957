"""How French asks and boasts."""
from flows.planning.tongues.tongue import Tongue, words

FRENCH = Tongue(
    asks={
        "inscri": "^(?:inscrivez-vous|inscris-toi)",
        "rejoi": "^(?:rejoignez|rejoins)(?:-| )(?:nous|notre|le club|l['’]équipe|l['’]association|la communauté)",
        "adhér": "^adhére?z (?:à|dès|maintenant|ici)",
        "membre": r"^(?:devenez|deviens) (?:\w{1,20} )?membres?",
        "un don": "^(?:faites|fais) un don",
        "donne": "^donnez (?:maintenant|aujourd['’]hui|ici|pour)",
        "réserve": "^réserve[zr]? (?:votre|vos|ta|tes|une place|maintenant|ici|dès)",
        "achet": "^achet(?:ez|er|e) (?:maintenant|ici|vos billets|votre|en ligne)",
        "achèt": "^achète (?:maintenant|ici|tes billets|ton)",
        "commande": "^commande[zr]? (?:maintenant|ici|votre|vos|en ligne|dès)",
        "vote": "^vote[zr]? (?:pour nous|pour notre|maintenant|ici|en ligne)",
        "abonn": "^(?:abonnez-vous|abonne-toi)",
        "suive": "^suivez-nous",
        "souten": "^soutenez(?:-nous| notre| nos)",
        "signe": "^signe[zr]? (?:la|notre|cette) pétition",
        "profite": "^profitez (?:de (?:notre|l['’])|-en)",
    },
    shares={
        "partage": "^partagez? (?:ce|cet|cette|le|notre|la) (?:post|message|publication|lien|article|vidéo|page)",
        "partager": "(?:merci de|veuillez|n['’]hésitez pas à) (?:le |la )?partager",
        "identifie": r"^identifie[zr]? (?:un|une|vos|deux|trois) ami\w{0,2}",
        "likez": "^likez",
    },
    boasts={
        "prix": r"(?:remporté|gagné|reçu|obtenu) (?:un|le|notre) (?:\w{1,20} )?prix",
        "primé": "primée?s? (?:par|au|aux|à)",
        "fier": "(?:sommes|très) fi(?:ers|ères)",
        "anniversaire": r"(?:notre|nos) (?:\w{1,20} )?anniversaires?",
        "nommé": "(?:avons été|sommes) (?:nommée?s?|élue?s?)",
        "abonnés": r"\d[\d.,]{0,12}+ abonnés",
    },
    invites=words("veuillez"),
    leads=words("et ou puis alors aussi"),
    narrates=words("nous ils elles on qui je"),
)
