"""What to register at a vendor, and what its webhooks must prove."""

from __future__ import annotations

from typing import Final

import msgspec

from receiver.contracts import Source
from receiver.contracts.guard import GuardedProvider
from receiver.lib.signatures import Secret
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Verify
from receiver.providers.generic.seals import whole

#: Of a secret at least so long its first characters are shown, so that it can be told from another one.
TELLING: Final = 12
FIRST: Final = 4
#: What to do with the secret of a source whose vendor signs.
HOW_TO_SIGN: Final = "paste it as the signing (webhook) secret at the vendor, or take the one shown there"


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who registers a source's webhooks must know."""

    #: The address without the token; None = nothing can be registered.
    base_url: str | None
    #: What follows the address.
    token: Secret | None
    #: The header that must carry the secret; None if it carries none: a signature is made with it.
    header: str | None
    #: What stands before the secret in that header.
    prefix: str = ""
    secret: Secret | None
    #: What the secret is where no header carries it.
    label: str = "signing secret"
    #: What to do with the secret at the vendor; None where a header carries it.
    secret_note: str | None
    verified_by: str

    def url(self, show_secrets: bool) -> str | None:
        """The address to register; a token in it only hinted at, unless secrets are shown."""
        if self.base_url is None or self.token is None:
            return self.base_url
        return f"{self.base_url}/{masked(self.token, show_secrets)}"


def registration(source: Source, public_url: str) -> Registration:
    """What to register at a source's vendor."""
    can_be = source.token is not None or bool(source.secrets) or source.provider.seals == "signature"
    return Registration(
        base_url=f"{public_url}/in/{source.name}" if can_be else None,
        token=source.token,
        header=source.provider.secret_header if source.secrets and not _signs(source) else None,
        prefix=_verify(source).prefix if source.secrets and not _signs(source) else "",
        secret=source.secrets[0] if source.secrets else None,
        label="public key" if _verify(source).scheme == "ed25519" else "signing secret",
        secret_note=_secret_note(source) if source.secrets and _signs(source) else None,
        verified_by=_verified_by(source),
    )


def masked(secret: Secret, show: bool) -> str:
    """A secret in full, or as much as tells it from another one."""
    text = secret.reveal()
    if show:
        return text
    return f"{text[:FIRST] if len(text) >= TELLING else ''}... ({len(text)} characters)"


def tells_url(source: Source) -> bool:
    """Whether each order tells the vendor a webhook URL of its own."""
    return source.api_key is not None and source.webhooks and source.provider.webhooks


def _verify(source: Source) -> Verify:
    """How the webhooks of a source are proven, whole; for a vendor with code of its own what is usual."""
    provider: object = source.provider
    if isinstance(provider, GuardedProvider):
        provider = provider.inner
    return whole(provider.description.verify if isinstance(provider, Generic) else Verify())


def _secret_note(source: Source) -> str:
    """What to do with the secret of a vendor that signs, by its scheme."""
    verify = _verify(source)
    if verify.scheme == "ed25519":
        return f"one of the vendor's own keys, as it shows them; there is nothing to paste there. {_place(verify)}"
    if verify.scheme == "secret":
        return f"{HOW_TO_SIGN}; no header has it"
    key = {"text": "", "base64": ", decoded from base64", "hex": ", decoded from hexadecimal"}[verify.key]
    if verify.scheme == "standard-webhooks":
        return f"{HOW_TO_SIGN} (whsec_...). {_place(verify)} by Standard Webhooks; no header has the secret itself"
    return f"{HOW_TO_SIGN}. {_place(verify)} made with it{key}; no header has the secret itself"


def _place(verify: Verify) -> str:
    """Where the signature stands, and what it is."""
    made = verify.scheme.replace("hmac-sha", "HMAC-SHA") if verify.scheme.startswith("hmac") else "signature"
    field = f", in its field {verify.signature}" if verify.fields else ""
    return f"The header {verify.header.lower()} carries the {made} in {verify.encoding}{field}"


def _signs(source: Source) -> bool:
    """Whether the vendor signs with the secret as the description says: in no header does the secret itself stand."""
    return _has_own_header(source) and source.provider.seals == "signature"


def _has_own_header(source: Source) -> bool:
    return "verify" in source.provider.Options.__struct_fields__


def _verified_by(source: Source) -> str:
    signed = source.provider.seals == "signature"
    path = _path(source)
    if source.public_keys is not None:
        return f"a signature with one of the keys at {source.public_keys.url}, always"
    if source.secrets and signed and _has_own_header(source):
        return "a signature with one of its secrets, always"
    if source.secrets:
        return f"its secret header, always{'; a signature that is there must be right too' if signed else ''}"
    if signed:
        return f"the vendor's signature{f'; where it sends none, {path}' if path else ''}"
    return path or "nothing: every request is refused"


def _path(source: Source) -> str:
    ways = ["the secret URL of an order"] if tells_url(source) else []
    ways += ["the token in the URL"] if source.token is not None else []
    return ", or ".join(ways)
