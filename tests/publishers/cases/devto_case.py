"""DEV, for the contract suite."""
from contract_case import Answer, Case, message, part, picture

from schemas.errors import Unauthorized

CASE = Case(
    network="devto",
    credentials={"api_key": "rehearsal:@us"},
    strangers={"api_key": "rehearsal:@them"},
    dead={"api_key": "expired"},
    goes={
        "plain": message("devto", "A kettle is *mended*. https://example.org/kettle", title="A kettle"),
        "picture": message("devto", part("Before", picture(), picture("after.png", alt='The [new] "one" (2)')),
                           title="Before & after", post="posts/two", hashtags=("mill", "open_Source"),
                           options={"canonical": "https://elsewhere.example/kettle", "excerpt": "Mended",
                                    "series": "Kettles", "organization": 17, "ai": "no_ai"}),
        "thread": message("devto", "---\npublished: false\n---\n\nOne", part("Two", picture("two.png")),
                          part("Three, `{{ as_code }}`", kind="comment"), title="All in one", post="posts/three"),
    },
    refused={
        "too long": message("devto", "é" * 409_601, title="A kettle"),
        "a long title": message("devto", "A kettle", title="x" * 129),
        "no title": message("devto", "A kettle"),
        "five tags": message("devto", "A kettle", title="A kettle", hashtags=("a", "b", "c", "d", "e")),
        "a long tag": message("devto", "A kettle", title="A kettle", hashtags=("x" * 31,)),
        "an attack": message("devto", "See data:text/html,<p>", title="A kettle"),
        "a command": message("devto", "See {% youtube dQw4 %}", title="A kettle"),
    },
    yes=Answer(200, '{"id": 17, "url": "https://dev.to/us/kettle-1a", "published_timestamp": "2026-11-22T12:00:00Z"}'),
    no='{"error": "No", "status": 422}',
    handles={"draft": "17"},
    method="PUT",
    rows={"403": Unauthorized},          # "unauthorized" is all that DEV says with it: the account may not do this
)
