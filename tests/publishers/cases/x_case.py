"""X, for the contract suite."""
from contract_case import Answer, Case, message, part, picture

_APP = {"consumer_key": "app", "consumer_secret": "app-secret", "access_token_secret": "token-secret"}

CASE = Case(
    network="x",
    credentials={**_APP, "access_token": "rehearsal:@us"},
    strangers={**_APP, "access_token": "rehearsal:@them"},
    dead={**_APP, "access_token": "expired"},
    goes={
        "plain": message("x", "A kettle is mended. https://example.org/kettle"),
        "picture": message("x", part("A kettle, before and after", picture())),
        "thread": message("x", "One", part("Two", picture("two.png")), part("Three", kind="comment")),
    },
    refused={
        "too long": message("x", "x" * 281),
        "five pictures": message("x", part("Five", *(picture(f"{n}.jpg") for n in range(5)))),
        "two cashtags": message("x", "$MILL and $TOOL"),
        "nothing": message("x", " "),
    },
    yes=Answer(201, '{"data": {"id": "17", "text": "Hi"}}'),
    no='{"title": "No", "detail": "No", "status": 400}',
)
