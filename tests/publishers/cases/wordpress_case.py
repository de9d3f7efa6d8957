"""WordPress, for the contract suite."""
from contract_case import FILES, Answer, Case, message, part, picture

_SITE = {"base_url": "https://mill.blog.example"}
FILES.setdefault("tga", b"\0\0\x02" + bytes(15))

CASE = Case(
    network="wordpress",
    credentials={**_SITE, "username": "rehearsal:@us", "application_password": "rehearsal:@us"},
    strangers={**_SITE, "username": "rehearsal:@them", "application_password": "rehearsal:@them"},
    dead={**_SITE, "username": "rehearsal:@us", "application_password": "expired"},
    goes={
        "plain": message("wordpress", "A kettle is *mended*. https://example.org/kettle", title="A kettle"),
        "picture": message("wordpress", part("A kettle, before", picture(), picture("after.png", alt='The "new" one')),
                           title="Before & after", post="posts/two", hashtags=("mill", "Tools"),
                           options={"categories": ("news",), "caption": "As it was", "excerpt": "Mended"}),
        "thread": message("wordpress", "One", part("Two", picture("two.png")), part("Three", kind="comment"),
                          title="All in one", post="posts/three"),
    },
    refused={
        "no text and no title": message("wordpress", ""),
        "a picture of another kind": message("wordpress", part("A kettle", picture("kettle.tga", blob="tga")),
                                             title="A kettle"),
    },
    yes=Answer(200, '{"id": 17, "status": "publish", "link": "https://mill.blog.example/kettle/"}'),
    no='{"code": "rest_invalid_param", "message": "No", "data": {"status": 400}}',
    handles={"draft": "17"},
    public=_SITE,
)
