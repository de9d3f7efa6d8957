"""A receiver of one's own, for the contract suite."""
from contract_case import Answer, Case, film, message, part, picture

from schemas.errors import RateLimited, Unauthorized

CASE = Case(
    network="webhook",
    credentials={"url": "https://toolshed.example/hooks/planted", "secret": "rehearsal:@us"},
    strangers={"url": "https://toolshed.example/hooks/planted", "secret": "rehearsal:@them"},
    dead={"url": "https://toolshed.example/hooks/planted", "secret": "expired"},
    goes={
        "plain": message("webhook", "A kettle is mended. https://example.org/kettle"),
        "picture": message("webhook", part("A kettle, before and after", picture(), film()),
                           post="posts/picture"),
        "comment": message("webhook", "One", part("And a word below", kind="comment"), post="posts/comment"),
    },
    refused={"nothing": message("webhook", " ")},
    yes=Answer(200, '{"id": "17", "url": "https://toolshed.example/17"}'),
    no='{"error": "No"}',
    # a receiver of one's own need not say anything: any 2xx that it says itself is a yes
    rows={"a yes of nothing": None, "204": None, "JSON of nothing": None, "JSON of another kind": None,
          "a yes without an id": None, "410": Unauthorized, "503 and when": RateLimited},
)
