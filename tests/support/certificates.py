"""A certificate authority of the tests' own."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final, NamedTuple

import trustme

#: Whom the server's certificate is for.
NAMES: Final = ("localhost", "vendor.test", "127.0.0.1", "::1")


class PrivateAuthority(NamedTuple):
    """An authority that nobody knows, and a server that it vouches for."""

    #: Its own certificate, for who wants to trust it.
    ca_file: Path
    server: ssl.SSLContext


def make_authority(folder: Path) -> PrivateAuthority:
    """Makes one in this folder, with `ca.pem`, `server.pem` and `server.key`."""
    authority = trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = authority.issue_cert(*NAMES)
    issued.configure_cert(server)
    issued.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    issued.private_key_pem.write_to_path(str(folder / "server.key"))
    return PrivateAuthority(ca_file, server)
