"""Whom https:// trusts."""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path


class TrustedAuthorities:
    """The usual authorities and, if there is one, a file of further ones: loaded once, when first needed."""

    def __init__(self, ca_file: Path | None = None) -> None:
        """`ca_file` holds certificates as PEM."""
        self._ca_file = ca_file
        self._loading: asyncio.Future[ssl.SSLContext] | None = None

    async def context(self) -> ssl.SSLContext:
        """How the other side is made to prove who it is.

        Beside the event loop, and not before it is needed: 30 ms and 2 MB. Raises OSError if `ca_file` cannot be used.
        """
        if self._loading is None:
            self._loading = asyncio.ensure_future(asyncio.to_thread(trusting, self._ca_file))
        try:
            return await asyncio.shield(self._loading)
        except OSError:
            self._loading = None  # the file may be put right
            raise

    async def aclose(self) -> None:
        """Waits until nothing is loading any more."""
        if self._loading is not None:
            await asyncio.gather(self._loading, return_exceptions=True)


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """What `ssl.create_default_context` makes, for these authorities. Raises OSError if the file cannot be used."""
    import certifi  # noqa: PLC0415  # nobody needs it without TLS

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if sys.version_info >= (3, 13):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
