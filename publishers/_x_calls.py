"""One signed call to X, sent once: tweepy writes the OAuth 1.0a signature, and our session carries it.

tweepy has no method for uploads in pieces, subtitles and labels, so that its generic `request` is used throughout.
"""
from collections.abc import Mapping
from typing import Any

from publishers._http import Answer
from publishers._x_answers import Doing
from publishers.base import Connection
from schemas.errors import PublishError, Unavailable, Unconfirmed


def signed(connection: Connection, secrets: Mapping[str, str], method: str, route: str, doing: Doing, *,
           params: Mapping[str, str] | None = None, json: Mapping[str, Any] | None = None) -> Answer | None:
    """X's answer, whatever it says; None when tweepy stumbled before one came.

    Raises Unavailable when no answer came, Unconfirmed instead when that may have left a post. `secrets`: the four
    names that tweepy has for the credentials.
    """
    # not at the top: `drumbeat check` loads adapters, and must not wait for these
    import requests
    import tweepy

    from publishers._sdk import last_answer, session, told

    doubt: PublishError | None = None
    with session(connection) as http:
        client = tweepy.Client(**secrets, return_type=requests.Response)
        client.session = http
        try:
            with told(http):
                client.request(method, route, params=params, json=json, user_auth=True)
        except (tweepy.TweepyException, AttributeError, TypeError, ValueError, RecursionError):
            pass            # it raises for every refusal, and stumbles over odd ones: the answer itself is read below
        except Unconfirmed as error:
            if last_answer(http) is None:       # else tweepy stumbled over a whole answer, which is read below
                doubt = error if doing == "creating" else Unavailable(error.why)
    if doubt is not None:                   # outside `except`, so that nothing hangs on it
        raise doubt
    return last_answer(http)
