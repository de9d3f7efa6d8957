"""Reddit, for the contract suite."""
from contract_case import Answer, Case, message, part, picture


def post(*parts, title="A kettle", sub="r/mills", **more):
    options = {"subreddit": sub, **more.pop("options", {})} if sub else more.pop("options", {})
    return message("reddit", *parts, title=title, options=options, **more)


def signed(who):
    return {"client_id": who, "client_secret": f"rehearsal:{who}", "access_token": f"rehearsal:{who}",
            "refresh_token": f"rehearsal:{who}"}


CASE = Case(
    network="reddit",
    credentials=signed("@us"),
    strangers=signed("@them"),
    dead={**signed("@us"), "access_token": "expired"},
    goes={
        "plain": post("A kettle is *mended* & **shines**: https://example.org/a_b?c=d#e <3"),
        "link": post("As it was.", title="A kettle to read", card="https://example.org/kettle"),
        "link alone": post("", title="A link alone", card="https://example.org/alone"),
        "card in the text": post("Read it", title="In the text", card="https://example.org/text",
                                 options={"kind": "self"}),
        "comment": post("One", part("And *below*", kind="comment"), title="With a comment"),
        "thread": post("First", "Second", part("Third", kind="comment"), title="All in one"),
        "hashtags": post(part("Mended\n\n#mill #old_tools", markdown="Mended"), title="Tags",
                         hashtags=("mill", "old_tools")),
        "all options": post("For few", title="Options", warning="Steam", sub="u/us-mills", options={
            "nsfw": True, "sendreplies": False, "flair_id": "c0ffee", "flair_text": "Mended"}),
        "longest": post("x" * 40_000, title="y" * 300),
    },
    refused={
        "too long": post("x" * 40_001),
        "too long a title": post("Fine", title="y" * 301),
        "too long a comment": post("Fine", part("x" * 10_001, kind="comment")),
        "no title": post("Fine", title=None),
        "no subreddit": post("Fine", sub=""),
        "two subreddits": post("Fine", sub="r/mills+kettles"),
        "a link without an address": post("Fine", options={"kind": "link"}),
        "flair": post("Fine", options={"flair_text": "f" * 65}),
        "picture": post(part("A kettle", picture())),
    },
    yes=Answer(200, '{"json": {"errors": [], "data": {"id": "1abc2de", "name": "t3_1abc2de", "url": '
                    '"https://www.reddit.com/r/mills/comments/1abc2de/a_kettle/"}}}'),
    no='{"message": "No", "error": 400}',
    public={"client_id": "k3ttle"},
)
