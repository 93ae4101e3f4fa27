"""Pictures that are put into messages: fetched with care, and made smaller where the platform takes no more."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from receiver.contracts import DeliveryContext
from receiver.errors import ForeignRefused, TransportError
from receiver.lib.pictures import PictureFacts, beside_the_loop, examine, shrink

#: Bytes of a picture that is fetched at most.
MAX_FETCHED: Final = 50_000_000
#: The share of a try's time that fetching may take.
FETCH_SHARE: Final = 0.5
#: How wide a preview is, pixels.
PREVIEW_WIDTH: Final = 2048


class ChatPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that is ready to be sent."""

    body: bytes
    about: PictureFacts

    @property
    def name(self) -> str:
        """A name for its file."""
        return f"picture.{self.about.extension}"


async def fetched(url: str, context: DeliveryContext) -> ChatPicture | None:
    """The picture at a vendor's address; None if it cannot be had: a message goes out without it then."""
    try:
        answer = await context.foreign.fetch(url, context.timeout * FETCH_SHARE, MAX_FETCHED)
        facts = await beside_the_loop(partial(examine, answer.body))
    except (ForeignRefused, TransportError):
        return None
    return ChatPicture(body=answer.body, about=facts)


async def preview(picture: ChatPicture, width: int = PREVIEW_WIDTH) -> ChatPicture | None:
    """The same as a JPEG at most so many pixels wide; None if that cannot be made."""
    try:
        body = await beside_the_loop(partial(shrink, picture.body, width))
        facts = await beside_the_loop(partial(examine, body))
    except ForeignRefused:
        return None
    return ChatPicture(body=body, about=facts)
