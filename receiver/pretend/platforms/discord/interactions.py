"""Presses of buttons: the interaction that Discord makes of one, signed and posted, and what the answer does."""

from __future__ import annotations

import itertools
from typing import Any, Final

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from receiver.lib.times import Clock
from receiver.pretend.platforms.channel.messages import ChannelPerson
from receiver.pretend.platforms.discord.messages import ChannelEntry, DiscordRefused

#: How long an app has to answer, seconds, and how long it may follow up, ms (documented).
ANSWER_S: Final = 3.0
TOKEN_LIFE_MS: Final = 900_000
APPLICATION: Final = "2222"
PING, COMPONENT = 1, 3
PONG, MESSAGE, DEFERRED_UPDATE, UPDATE = 1, 4, 6, 7
FAILED: Final = "Discord says: This interaction failed."


class OpenInteraction(msgspec.Struct, kw_only=True):
    """An interaction that the app may follow up."""

    person: ChannelPerson
    #: When the button was pressed, Unix ms.
    at: int
    is_answered: bool = False


class Interactions:
    """Makes interactions and brings them to the app's endpoint."""

    def __init__(self, seed: bytes, channel: str, clock: Clock, client: httpx.AsyncClient | None = None) -> None:
        """`seed` (32 bytes) is the private key; `client` posts, one of its own if left out."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._channel = channel
        self._clock = clock
        self._client = client
        self._numbers = itertools.count(1)
        #: What may be followed up, by its token.
        self.open: dict[str, OpenInteraction] = {}

    @property
    def public_key(self) -> str:
        """The application's public key, hex."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def signed(self, body: bytes) -> dict[str, str]:
        """Discord's headers of a body that is posted now."""
        timestamp = str(self._clock() // 1000)
        return {
            "content-type": "application/json",
            "x-signature-timestamp": timestamp,
            "x-signature-ed25519": self._key.sign(timestamp.encode() + body).hex(),
        }

    def payload(self, entry: ChannelEntry, custom_id: str, person: ChannelPerson) -> dict[str, Any]:
        """What Discord tells of a press."""
        number = next(self._numbers)
        token = f"aW50ZXJhY3Rpb246{number:06d}"
        self.open[token] = OpenInteraction(person=person, at=self._clock())
        user = {"id": person.id, "username": person.name.lower(), "global_name": person.name}
        return {
            "id": str(9000 + number),
            "application_id": APPLICATION,
            "type": COMPONENT,
            "token": token,
            "version": 1,
            "channel_id": self._channel,
            "guild_id": "1111",
            "member": {"user": user, "roles": [], "permissions": "0"},
            "message": entry.told(self._channel),
            "data": {"custom_id": custom_id, "component_type": 2},
        }

    async def press(self, url: str, entry: ChannelEntry, custom_id: str, person: ChannelPerson) -> str:
        """Presses a button; returns what the person is told of it, empty = nothing."""
        payload = self.payload(entry, custom_id, person)
        body = msgspec.json.encode(payload)
        answer = await self.post(url, body, self.signed(body))
        said = _answer_type(answer)
        if said is None:
            return FAILED
        kind, data = said
        self.open[payload["token"]].is_answered = True
        if kind == MESSAGE:
            return str(data.get("content", ""))
        return "" if kind in (DEFERRED_UPDATE, UPDATE) else FAILED

    async def probe(self, url: str) -> list[str]:
        """What is wrong with an endpoint, as Discord finds out before it takes it; empty = nothing."""
        ping = msgspec.json.encode({"id": "1", "application_id": APPLICATION, "type": PING, "token": "t", "version": 1})
        headers = self.signed(ping)
        genuine = await self.post(url, ping, headers)
        forged = {**headers, "x-signature-ed25519": "00" * 64}
        later = {**headers, "x-signature-timestamp": str(self._clock() // 1000 + 1)}
        answers = {name: await self.post(url, ping, one) for name, one in (("forged", forged), ("moved", later))}
        wrong = [f"it took a {name} ping" for name, one in answers.items() if one is None or one.status_code != 401]
        said = _answer_type(genuine)
        return wrong if said is not None and said[0] == PONG else [*wrong, "it answered a ping without a pong"]

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> httpx.Response | None:
        """The app's answer within three seconds; None if there is none."""
        client = self._client or httpx.AsyncClient(trust_env=False)
        try:
            return await client.post(url, content=body, headers=headers, timeout=ANSWER_S)
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
        finally:
            if client is not self._client:
                await client.aclose()

    def follow_up(self, token: str) -> OpenInteraction:
        """The interaction of a token. Raises DiscordRefused for one that is unknown or too old."""
        found = self.open.get(token)
        if found is None or self._clock() - found.at > TOKEN_LIFE_MS:
            raise DiscordRefused(404, 10015, "Unknown Webhook")
        return found


def _answer_type(answer: httpx.Response | None) -> tuple[int, dict[str, Any]] | None:
    """Type and data of an answer; None if it is none."""
    if answer is None or answer.status_code != 200:
        return None
    try:
        said = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        return None
    data = said.get("data")
    return int(said.get("type", 0)), data if isinstance(data, dict) else {}
