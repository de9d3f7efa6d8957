"""Facebook pages, for the contract suite."""
from contract_case import Answer, Case, film, message, part, picture

CASE = Case(
    network="facebook_page",
    credentials={"page_id": "@us", "page_access_token": "rehearsal:@us"},
    strangers={"page_id": "@them", "page_access_token": "rehearsal:@them"},
    dead={"page_id": "@us", "page_access_token": "expired"},
    goes={
        "plain": message("facebook_page", "A kettle is mended. https://example.org/kettle"),
        "picture": message("facebook_page", part("A kettle, before and after", picture())),
        "ten pictures": message("facebook_page", part("Ten", *(picture(f"{n}.png") for n in range(10)))),
        "card": message("facebook_page", "Read it", card="https://example.org/kettle"),
        "comment": message("facebook_page", "One", part("And a word below", kind="comment")),
    },
    refused={
        "webp": message("facebook_page", part("A kettle", picture("kettle.webp"))),
        "too long": message("facebook_page", "x" * 63_207),
        "a long comment": message("facebook_page", "One", part("x" * 8_001, kind="comment")),
        "video": message("facebook_page", part("A kettle boils", film())),
        "nothing": message("facebook_page", " "),
    },
    yes=Answer(200, '{"id": "104729_17"}'),
    no='{"error": {"message": "No", "code": 100}}',
    public={"page_id": "104729"},
)
