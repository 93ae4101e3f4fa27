"""The section of a configuration for one vendor, and the secrets that it needs."""

from __future__ import annotations

import secrets
from typing import Final, Literal

import msgspec

from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options, Verify

#: Random bytes of a secret or token that is made here.
FRESH_LENGTH: Final = 32
#: What proves a webhook: a secret of ours that goes out with orders or is registered, one that the vendor shows, a
#: token in the URL, or keys that the vendor publishes (or makes of the API key).
Proof = Literal["our_secret", "vendor_secret", "token", "published"]
#: How native vendors prove theirs.
NATIVE: Final[dict[str, Proof]] = {"journeyapi": "our_secret", "apiframe": "published"}
#: Keys that a native vendor's section needs besides, as they are written, and what is left to do about them.
OWN_KEYS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "midjourney-proxy": (
        ('flavour = "trueai"   # or "novicezk": which of the two programs it is', 'base_url = "http://127.0.0.1:8080"'),
        "write into the source where midjourney-proxy runs (base_url), and which of the two it is (flavour)",
    )
}


class VendorSection(msgspec.Struct, frozen=True, kw_only=True):
    """What is written for a vendor."""

    #: TOML.
    text: str
    #: Variables of the secrets file, with what stands above each; an empty one is the operator's to fill in.
    variables: dict[str, tuple[str, str]]
    #: What is left to do, a sentence each.
    steps: tuple[str, ...]


def vendor_section(name: str, preset: Generic | None, public_url: str) -> VendorSection:
    """The section of a vendor, named like it: by its preset, or None = one that gridhook speaks by itself."""
    proof = NATIVE.get(name, "token") if preset is None else _proof(preset.description)
    prefix = name.upper().replace("-", "_")
    variables = {f"{prefix}_API_KEY": (f"your API key at {name}", "")}
    lines = [f"[sources.{name}]", f'provider = "{name if preset is None else "generic"}"']
    lines += [f'preset = "{name}"'] if preset is not None else []
    own_keys, own_step = OWN_KEYS.get(name, ((), "")) if preset is None else ((), "")
    lines += [*own_keys, f'api_key = "env:{prefix}_API_KEY"']
    steps = [own_step] if own_step else []
    steps += [f"put your API key into {{env}} as {prefix}_API_KEY"]
    registers = preset is not None and not preset.webhooks
    if proof in ("our_secret", "vendor_secret"):
        lines += [f'secrets = ["env:{prefix}_WEBHOOK_SECRET"]']
        ours = proof == "our_secret"
        about = (
            f"made at random: what the webhooks of {name} are verified by"
            if ours
            else f"the signing secret that {name} shows"
        )
        variables[f"{prefix}_WEBHOOK_SECRET"] = (about, secrets.token_urlsafe(FRESH_LENGTH) if ours else "")
        if not ours:
            steps.append(f"put the signing secret that {name} shows into {{env}} as {prefix}_WEBHOOK_SECRET")
        elif registers:
            steps.append(f"paste {prefix}_WEBHOOK_SECRET at {name}, as the key of its webhooks")
    if proof == "token":
        lines += [
            "# It does not sign: its orders have a secret URL each; jobs started elsewhere need this token in theirs.",
            f'token = "env:{prefix}_TOKEN"',
        ]
        variables[f"{prefix}_TOKEN"] = (
            f"made at random: the end of the webhook URL for {name}",
            secrets.token_urlsafe(FRESH_LENGTH),
        )
    if registers:
        end = f"/{prefix}_TOKEN" if proof == "token" else ""
        steps.append(f"register {public_url}/in/{name}{end} as the webhook URL at {name}")
    return VendorSection(text="\n".join(lines) + "\n", variables=variables, steps=tuple(steps))


def _proof(options: Options) -> Proof:
    if options.verify.scheme == "ed25519":
        return "published"
    if options.verify == Verify():
        return "token"
    return "our_secret" if options.verify.scheme == "secret" or _sends_secret(options) else "vendor_secret"


def _sends_secret(options: Options) -> bool:
    """Whether the vendor is told the secret with an order."""
    return any("{secret}" in order.body for order in options.orders.values())
