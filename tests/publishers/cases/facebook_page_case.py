"""Facebook pages, for the contract suite."""
from contract_case import Answer, Case, message, part, picture

CASE = Case(
    network="facebook_page",
    credentials={"page_id": "@us", "page_access_token": "rehearsal:@us"},
    strangers={"page_id": "@them", "page_access_token": "rehearsal:@them"},
    dead={"page_id": "@us", "page_access_token": "expired"},
    goes={
        "plain": message("facebook_page", "A kettle is mended. https://example.org/kettle"),
        "picture": message("facebook_page", part("A kettle, before and after", picture())),
        "comment": message("facebook_page", "One", part("And a word below", kind="comment")),
    },
    refused={
        "webp": message("facebook_page", part("A kettle", picture("kettle.webp"))),
        "nothing": message("facebook_page", " "),
    },
    yes=Answer(200, '{"id": "104729_17"}'),
    no='{"error": {"message": "No", "code": 100}}',
    public={"page_id": "104729"},
)
