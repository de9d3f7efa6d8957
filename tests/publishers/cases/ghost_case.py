"""Ghost, for the contract suite."""
from contract_case import FILES, Answer, Case, message, part, picture

_SITE = {"base_url": "https://mill.blog.example"}
_ID = "6b032197923dae2cc5c0aa64"
FILES.setdefault("tga", b"\0\0\x02" + bytes(15))

CASE = Case(
    network="ghost",
    credentials={**_SITE, "admin_api_key": "rehearsal:@us"},
    strangers={**_SITE, "admin_api_key": "rehearsal:@them"},
    dead={**_SITE, "admin_api_key": "expired"},
    goes={
        "plain": message("ghost", "A kettle is *mended*. https://example.org/kettle", title="A kettle"),
        "picture": message("ghost", part("A kettle, before", picture(), picture("after.png", alt='The "new" one')),
                           title="Before & after", post="posts/two", hashtags=("mill", "Tools"),
                           options={"visibility": "members", "caption": "As it was", "excerpt": "Mended",
                                    "slug": "the-kettle", "canonical": "https://elsewhere.example/kettle"}),
        "thread": message("ghost", "One", part("Two", picture("two.png")), part("Three", kind="comment"),
                          title="All in one", post="posts/three", options={"newsletter": "default-newsletter"}),
    },
    refused={
        "a long title": message("ghost", "A kettle", title="x" * 256),
        "a long alt text": message("ghost", part("A kettle", picture(alt="x" * 192)), title="A kettle"),
        "a long excerpt": message("ghost", "A kettle", title="A kettle", options={"excerpt": "x" * 301}),
        "a long tag": message("ghost", "A kettle", title="A kettle", hashtags=("x" * 192,)),
        "a picture of another kind": message("ghost", part("A kettle", picture("kettle.tga", blob="tga")),
                                             title="A kettle"),
    },
    yes=Answer(200, f'{{"posts": [{{"id": "{_ID}", "status": "published", "updated_at": "2026-11-22T12:00:00.000Z", '
                    '"url": "https://mill.blog.example/kettle/"}]}'),
    no='{"errors": [{"message": "No", "context": null, "type": "ValidationError", "code": null}]}',
    handles={"draft": f"{_ID} 2026-11-22T12:00:00.000Z"},
    public=_SITE,
    method="PUT",
)
