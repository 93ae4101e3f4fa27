"""What the command line is given: how to read a configuration, and how to open what it describes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from receiver.config import Config
from receiver.config.reading import Secrets
from receiver.contracts import DeliveryContext, HookedStore, Inspection, Sink, Transport
from receiver.contracts.setup import Setup
from receiver.lib.times import Clock

if TYPE_CHECKING:
    from starlette.applications import Starlette

Role = Literal["all", "intake", "dispatch"]


class Runtime(Protocol):
    """The running parts of one configuration."""

    @property
    def config(self) -> Config:
        """What they were made of."""
        ...

    @property
    def store(self) -> HookedStore:
        """Where everything is kept."""
        ...

    @property
    def setup(self) -> Setup:
        """The configuration as far as flows need it."""
        ...

    @property
    def clock(self) -> Clock:
        """The time they go by."""
        ...

    def dispatched(self) -> bool:
        """Whether some process dispatches from this database right now."""
        ...

    async def vacuum(self) -> None:
        """Writes the whole database anew, without free room; no write gets through meanwhile."""
        ...

    def web(self) -> Starlette:
        """The HTTP face; `state.stopping` is an event that ends its streams."""
        ...

    async def reload(self, config: Config) -> tuple[str, ...]:
        """Goes by another configuration from here on; returns the keys whose change needs a restart.

        What is under way ends as it began. Raises what the making of a handler raises; then nothing has changed.
        """
        ...

    async def stop(self, grace: float, hurry: asyncio.Event) -> int:
        """Ends streams, and dispatching: what runs may finish within `grace` seconds, or until `hurry` is set.

        The rest is given back; returns how much of it there was.
        """
        ...


class ReadConfig(Protocol):
    """Reads a configuration file."""

    def __call__(self, path: Path, env: Mapping[str, str], secrets: Secrets = "needed", /) -> Config:
        """The configuration, its `env:` secrets looked up in `env`. Raises ConfigError."""
        ...


class OpenRuntime(Protocol):
    """Opens the parts of a configuration."""

    def __call__(self, config: Config, role: Role | None, /) -> AbstractAsyncContextManager[Runtime]:
        """With `role` None or "intake" nothing is dispatched. Raises StoreRefused or StoreUnavailable on entering."""
        ...


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """How calls out are made beside those of deliveries and orders."""

    #: What a handler may use while it delivers to a sink, as a server of this configuration would give it.
    open_context: Callable[[Config, Sink], AbstractAsyncContextManager[DeliveryContext]]
    #: What carries calls.
    open_transport: Callable[[Config], AbstractAsyncContextManager[Transport]]
    #: The file of a picture at an address that a vendor told; None = pictures are not looked at. Raises ForeignRefused
    #: or TransportError.
    fetch_picture: Callable[[Config, str], Coroutine[Any, Any, bytes]] | None = None
    #: The server's own transport, open as long as it runs; None = there is none: who presses is told nothing.
    transport: Callable[[], Transport] | None = None


class Composition(msgspec.Struct, frozen=True, kw_only=True):
    """What `receiver.app` hands to the command line."""

    read_config: ReadConfig
    open_runtime: OpenRuntime
    #: What there is at the database's address; changes nothing. Raises StoreRefused or StoreUnavailable.
    inspect: Callable[[Config], Inspection]
    outside: Outside
