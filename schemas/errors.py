"""What the world did, as exceptions of ours: raised where understood, caught once.

What an author got wrong is never raised; it is a `Problem`.
"""
from datetime import datetime


class DrumbeatError(Exception):
    """The command cannot go on. `remedy` is what a person can do now; `exit_code` as in the README."""

    exit_code = 3

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class ContentError(DrumbeatError):
    """There is no content to work on."""

    exit_code = 1


class UsageError(DrumbeatError):
    """The command was asked for something it does not do."""

    exit_code = 2


class SettingsError(DrumbeatError):
    """A setting, a credential, a port or a folder is not usable."""


class StoreError(DrumbeatError):
    """The archive does not answer, or does not keep its promises."""


class PublishError(Exception):
    """A network did not take a part. `why` is safe to print and keep: no token, no header, no whole body."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Rejected(PublishError):
    """The network refused the content for good: nothing exists, and the same request would be refused again."""


class Unauthorized(PublishError):
    """The network refused the credential: nothing exists; a person must renew or widen it.

    `dead`: no call is possible with it at all (HTTP 401), so it cannot post to a wrong account either.
    """

    def __init__(self, why: str, *, dead: bool = False) -> None:
        super().__init__(why)
        self.dead = dead


class PaymentRequired(PublishError):
    """The account has no credit or plan left: nothing exists."""


class RateLimited(PublishError):
    """The network asks to wait: nothing exists. `until` is when it will listen again, UTC, or None if unsaid."""

    def __init__(self, why: str, until: datetime | None = None) -> None:
        super().__init__(why)
        self.until = until


class Unavailable(PublishError):
    """The request certainly did not arrive, or was refused before any work: nothing exists."""


class Unconfirmed(PublishError):
    """The request may have arrived: look before anything is sent again."""
