"""Where networks that fetch media themselves find it: at a public copy of the archive, or at the rehearsal's server."""
from collections.abc import Callable

from schemas.errors import Unavailable


def shared_at(rehearsal: str) -> Callable[[str, bytes], str]:
    """Puts bytes of a sha256 where everybody on this machine can fetch them; gives the address.

    Raises Unavailable when the rehearsal's server does not take them.
    """

    def share(sha256: str, data: bytes) -> str:
        import httpx  # not at the top: most commands send nothing

        address = f"{rehearsal.rstrip('/')}/_rehearsal/shared/{sha256}"
        try:
            httpx.put(address, content=data, trust_env=False).raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(f"the rehearsal does not take the file: {type(error).__name__}") from None
        return address

    return share


def public_at(address: str) -> Callable[[str, bytes], str]:
    """Names files at an address under which the archive's `v1/media/` is open to the world."""
    return lambda sha256, _: f"{address}/{sha256}"
