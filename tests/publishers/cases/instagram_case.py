"""Instagram, for the contract suite."""
from contract_case import Answer, Case, film, message, part, picture

from publishers.base import DRAFT

CASE = Case(
    network="instagram",
    credentials={"access_token": "rehearsal:@us", "user_id": "@us"},
    strangers={"access_token": "rehearsal:@them", "user_id": "@them"},
    dead={"access_token": "expired", "user_id": "@us"},
    goes={
        "plain": message("instagram", part("A kettle is mended.", picture())),
        "reel": message("instagram", part("A kettle boils", film(alt=None))),
        "carousel": message("instagram", part("Before and after", picture("before.jpg"), film(),
                                              picture("after.jpg", alt=None))),
        "story": message("instagram", part("", picture("story.jpg", width=540, height=960)), options={"story": True}),
        "comment": message("instagram", part("One", picture()), part("And a word below", kind="comment")),
    },
    refused={
        "too long": message("instagram", part("x" * 2_201, picture())),
        "png": message("instagram", part("A kettle", picture("kettle.png"))),
        "too tall": message("instagram", part("A kettle", picture("tall.jpg", width=400, height=600))),
        "eleven pictures": message("instagram", part("Many", *(picture(f"{n}.jpg") for n in range(11)))),
        "hashtags": message("instagram", part(" ".join(f"#tag{n}" for n in range(31)), picture())),
        "words alone": message("instagram", "A kettle is mended."),
        "nothing": message("instagram", " "),
    },
    yes=Answer(200, '{"id": "17899506308402767"}'),
    no='{"error": {"message": "No", "code": 100}}',
    handles={DRAFT: "17889455560051444@1795348800"},
    public={"user_id": "17841400008460056"},
)
