"""Newsletters by SMTP, for the contract suite.

No answer of a mail server is an error of its own that leaves the mail in being: after the dot it says yes or no.
"""
from contract_case import FAULTS, FILES, Case, message, part, picture

FILES["heavy"] = bytes(12_000_000)


def _fields(handle: str) -> dict[str, str]:
    return dict.fromkeys(("host", "user", "password", "from_address", "list_address", "unsubscribe_url"),
                         f"rehearsal:{handle}")


CASE = Case(
    network="mail",
    credentials=_fields("@us"),
    strangers=_fields("@them"),
    dead={**_fields("@us"), "password": "expired"},
    goes={
        "plain": message("mail", "A kettle is mended. https://example.org/kettle", title="A kettle"),
        "picture": message("mail", part("A kettle, before and after", picture(), picture("two.png", alt="Grüße")),
                           title="Grüße aus der Küche", post="posts/picture"),
        "comment": message("mail", "One", part("And a word below", kind="comment"), title="Two", post="posts/two"),
    },
    refused={"too heavy": message("mail", part("Heavy", picture("heavy.jpg", blob="heavy")), title="Heavy")},
    yes=None,
    faults=tuple(fault for fault in FAULTS if not fault.startswith("500")),
)
