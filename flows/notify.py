"""Whom to tell: addresses become blocks of Prefect, which keeps what is secret in them encrypted."""
import re
from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock, SlackWebhook
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr

from schemas.errors import SettingsError

NAME = "drumbeat-notify-"
_BLOCK = re.compile(r"[a-z0-9-]+/[A-Za-z0-9_-]+")
_MOST = 20
_BOTH = "--notify and DRUMBEAT_NOTIFY"
"""Where addresses may stand; the option's come first. They are not quoted: they may hold a secret."""
PAGE = 200
"""The most that Prefect answers with at once (PREFECT_SERVER_API_DEFAULT_LIMIT)."""


async def blocks(addresses: Sequence[str], client: PrefectClient) -> list[UUID]:
    """The blocks for these addresses, made or brought up to date, in their order; blocks of ours too many are gone.

    An address is a block that is there (`slack-webhook/ops`), a webhook of Slack's, any http address (it gets JSON
    with `subject` and `body`), or an address of Apprise (`mailtos://…`). Raises SettingsError.
    """
    found = [await _block(number, address, client) for number, address in enumerate(addresses, 1)]
    kept = set(found)
    for document in await _documents(client):
        if (document.name or "").startswith(NAME) and document.id not in kept:
            await client.delete_block_document(document.id)
    return found


async def _documents(client: PrefectClient) -> list[BlockDocument]:
    found: list[BlockDocument] = []
    while page := await client.read_block_documents(offset=len(found), limit=PAGE, include_secrets=False):
        found += page
    return found


async def _block(number: int, address: str, client: PrefectClient) -> UUID:
    if number > _MOST:
        raise SettingsError(f"{_BOTH} have more than {_MOST} addresses together.", "Name a group or a channel instead.")
    if _BLOCK.fullmatch(address):
        kind, name = address.split("/")
        try:
            return (await client.read_block_document_by_name(name, kind, include_secrets=False)).id
        except ObjectNotFound:
            raise SettingsError(f"{_BOTH} name the block {address}, and Prefect has none.",
                                "Make it in Prefect under Blocks, or name an address.") from None
    scheme, host = urlsplit(address).scheme, urlsplit(address).hostname or ""
    if scheme in ("http", "https") and host not in ("hooks.slack.com", "hooks.slack-gov.com"):
        hook = CustomWebhookNotificationBlock(
            name=f"{NAME}{number}", url="{{address}}", json_data={"subject": "{{subject}}", "body": "{{body}}"},
            secrets={"address": address}, allow_private_urls=True)
        return await hook.asave(f"{NAME}{number}", overwrite=True, client=client)
    if not _is_known(address):
        raise SettingsError(f"Address {number} of {_BOTH} is none that Prefect can send to.",
                            "Write a web address, mailtos://…, another address of Apprise, or the block KIND/NAME.")
    # This block hands what is not Slack's to Apprise as it is, so it serves for mail and all the others; a block type
    # of ours would have to be installed in every server.
    return await SlackWebhook(url=SecretStr(address)).asave(f"{NAME}{number}", overwrite=True, client=client)


def _is_known(address: str) -> bool:
    from apprise import Apprise

    return "://" in address and bool(Apprise().add(address))
