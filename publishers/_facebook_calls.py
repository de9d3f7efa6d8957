"""One call of facebook-sdk, and the Graph API's own answer to it: the SDK never looks at a status."""
import sys
import warnings
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from publishers.base import Connection
from schemas.errors import PublishError, Unavailable, Unconfirmed

if TYPE_CHECKING:
    from publishers._http import Answer

_IMPORTING = Lock()


def answered(connection: Connection, token: str, version: str, call: str, *where: object, fields: Mapping[str, str],
             creating: bool) -> "Answer | None":
    """What came back, whatever it says. Raises Unavailable or Unconfirmed (only if `creating`) when nothing whole did.

    `token` "" sends none; `version` is that of the Graph API.
    """
    from publishers._sdk import last_answer, session, told

    facebook, unreadable = sdk()
    doubt: PublishError | None = None
    with session(connection) as http:
        graph = facebook.GraphAPI(access_token=token or None, session=http)
        graph.version = version         # its constructor refuses every version after 3.1
        try:
            with told(http):
                getattr(graph, call)(*where, **fields)
        except unreadable:
            pass    # its texts hold tokens: the answer itself is read instead
        except Unconfirmed as error:
            if last_answer(http) is None:       # else the SDK stumbled over a whole answer, and our own reading counts
                doubt = error if creating else Unavailable(error.why)
    if doubt is not None:                       # outside `except`, so that nothing hangs on it
        raise doubt
    return last_answer(http)


def sdk() -> tuple[Any, tuple[type[Exception], ...]]:
    """facebook-sdk, and what its calls raise when they do not understand an answer."""
    import requests

    with _IMPORTING:            # `catch_warnings` is process-wide: two threads would restore each other's filters
        if "facebook" in sys.modules:
            import facebook
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")     # a "\d" in a plain string; under -W error it would not compile
                import facebook
    return facebook, (facebook.GraphAPIError, requests.JSONDecodeError, KeyError, RecursionError)
