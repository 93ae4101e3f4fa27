"""A certificate authority of the tests' own, made by the `openssl` command."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

#: Whom the server's certificate is for.
NAMES: Final = "DNS:localhost, DNS:vendor.test, IP:127.0.0.1, IP:::1"
CONFIGURATION: Final = f"""
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {NAMES}
"""
#: A key of its own for each certificate; elliptic, because those are quick.
NEW_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", "own.cnf")


class PrivateAuthority(NamedTuple):
    """An authority that nobody knows, and a server that it vouches for."""

    #: Its own certificate, for who wants to trust it.
    ca_file: Path
    server: ssl.SSLContext


def make_authority(folder: Path) -> PrivateAuthority:
    """Makes one in this folder."""

    def openssl(*words: str) -> None:
        command = shutil.which("openssl")
        assert command is not None, "these tests need the openssl command"
        subprocess.run([command, *words], cwd=folder, check=True, capture_output=True)

    (folder / "own.cnf").write_text(CONFIGURATION)
    ca, key = "ca.pem", "ca.key"
    openssl("req", "-x509", *NEW_KEY, "-subj", "/CN=tests", "-extensions", "authority", "-keyout", key, "-out", ca)
    openssl("req", "-new", *NEW_KEY, "-subj", "/CN=server", "-keyout", "server.key", "-out", "server.csr")
    made = ["-CA", ca, "-CAkey", key, "-CAcreateserial", "-extfile", "own.cnf", "-extensions", "server"]
    openssl("x509", "-req", "-in", "server.csr", *made, "-days", "2", "-out", "server.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    return PrivateAuthority(folder / ca, server)
