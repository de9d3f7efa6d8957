"""Who is told is refused in words that fit, wherever the address was written."""
import asyncio
from typing import cast

import pytest
from prefect.client.orchestration import PrefectClient

from flows.notify import blocks
from schemas.errors import SettingsError

NOBODY = cast("PrefectClient", None)                              # refused before anybody is asked


def test_an_address_that_is_none() -> None:
    """Its number and both places where it may stand; never the address, which may hold a secret."""
    with pytest.raises(SettingsError) as refused:
        asyncio.run(blocks(["nowhere"], NOBODY))
    assert refused.value.what == "Address 1 of --notify and DRUMBEAT_NOTIFY is none that Prefect can send to."
