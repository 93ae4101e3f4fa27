"""The keys of `[sources.NAME]` that describe a vendor.

The defaults read these as they are: Apiframe v1, PiAPI, TTAPI, Legnext, ImagineAPI and midjourney-proxy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from receiver.errors import OptionError
from receiver.model.jobs import ErrorCode
from receiver.providers.generic.call_options import OrderKeys, Paths, QueryKeys

#: Where the presets stand that come with gridhook, `NAME.toml` each.
PRESETS: Final = Path(__file__).parent / "presets"
#: In the file a duration in quotes; here seconds.
Tolerance = Annotated[float, msgspec.Meta(extra={"unit": "duration"}, ge=1, le=86_400)]
Pace = Annotated[float, msgspec.Meta(extra={"unit": "duration"}, ge=0.1, le=30 * 86_400)]
Lifetime = Annotated[float, msgspec.Meta(extra={"unit": "duration"}, ge=1, le=3660 * 86_400)]
#: The address of a picture that is a text by itself.
ADDRESS: Final = "^(https?://.+)$"
Scheme = Literal[
    "secret",
    "standard-webhooks",
    "hmac-sha256",
    "hmac-sha512",
    "hmac-sha1",
    "ed25519",
    # The names of before there was `encoding`.
    "hmac-sha256-hex",
    "hmac-sha256-base64",
]


def _check_prefix(prefix: str) -> None:
    if not prefix.isascii() or not prefix.isprintable() or prefix.startswith(" "):
        raise OptionError(
            "", "can stand before nothing in a header", "write printable ASCII, without a space before it"
        )


class Verify(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sources.NAME.verify]`: what a webhook must carry. `secrets` are what is echoed, or the HMAC's keys."""

    #: Left out: "x-webhook-secret", or "webhook-signature" for Standard Webhooks.
    header: str = ""
    #: "secret" = the header's text is one of `secrets`; "standard-webhooks" says everything else here by itself; of the
    #: others the header holds the HMAC or Ed25519 signature (then `secrets` are the vendor's public keys).
    scheme: Scheme = "secret"
    #: How the signature is written.
    encoding: Literal["hex", "base64"] = "hex"
    #: Stands in the header before the secret or the signature; may be missing there.
    prefix: Annotated[str, msgspec.Meta(extra={"check": _check_prefix})] = ""
    #: What the signature is over: text with `{body}` (as it came), `{body:sha256}` (its digest in hexadecimal),
    #: `{header:NAME}`, `{json:PATH}` and `{field:NAME}`.
    signed: str = "{body}"
    #: What divides a header like `t=...,v1=...`; "" = it has no fields.
    fields: Annotated[str, msgspec.Meta(max_length=3)] = ""
    #: The field that is the signature.
    signature: str = "v1"
    #: What divides several signatures, of which one must be right; those without `prefix` are not looked at.
    separator: Annotated[str, msgspec.Meta(max_length=3)] = ""
    #: How the key is written in `secrets`.
    key: Literal["text", "base64", "hex"] = "text"
    #: Stands before it there, and does not belong to it.
    key_prefix: str = ""
    #: Where the vendor publishes its keys (JWKS), for "ed25519"; those in `secrets` count as well.
    keys_url: str = ""
    #: "header:NAME" or "field:NAME": where the time stands at which it was signed, in Unix seconds or ms; "" = it has
    #: none.
    timestamp: str = ""
    #: How far that time may be from ours, seconds.
    tolerance: Tolerance = 300.0


class Places(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sources.NAME.paths]`: where things stand in a webhook's JSON. An empty list switches one off."""

    # `id` before `jobId`: midjourney-proxy has both, and its task is `id`.
    id: Paths = (
        "task_id",
        "data.task_id",
        "job_id",
        "data.job_id",
        "id",
        "jobId",
        "data.jobId",
        "data.id",
        "payload.id",
        "taskId",
        "data.taskId",
        "output.task_id",
        "task.id",
        "job.id",
        "jobid",
        "messageId",
        "generation_id",
    )
    # The inner status first: an outer one may be about the message.
    status: Paths = (
        "data.status",
        "data.state",
        "data.task_status",
        "output.task_status",
        "status",
        "payload.status",
        "task_status",
        "task.status",
        "job.status",
        "state",
    )
    progress: Paths = (
        "percentage",
        "progress",
        "data.percentage",
        "data.progress",
        "output.progress",
        "data.output.progress",
        "payload.progress",
        "progress_percent",
        "response.progress_percent",
        "task_result.task_progress",
    )
    #: The tiles in their order, or the one picture. Where a vendor is known to send a grid beside them it goes first.
    images: Paths = (
        "image_urls[*]",
        "output.image_urls[*]",
        "data.output.image_urls[*]",
        "imageUrls[*]",
        "images[*]",
        "data.images[*]",
        "payload.upscaled_urls[*]",
        "output.temporary_image_urls[*]",
        "data.output.temporary_image_urls[*]",
        "data.outputs[*]",
        "outputs[*]",
        "output[*]",
        "output.images[*]",
        "output.results[*]",
        "data.output[*]",
        "data.output.images[*]",
        "data.image_urls[*]",
        "data.imageUrls[*]",
        "data.resultUrls[*]",
        "data.resultJson|json.resultUrls[*]",
        "resultUrls[*]",
        "result[*]",
        "result.images[*]",
        "result.image_urls[*]",
        "data.result[*]",
        "data.result.images[*]",
        "payload.images[*]",
        "response.imageUx[*]",
        "results[*]",
        "data.results[*]",
        "generated[*]",
        "data.generated[*]",
        "task_result.image_urls[*]",
        "data[*]",
        # One picture. A `url` by itself may lead to anything.
        "result.sample",
        "result.url",
        "result.image_url",
        "data.result.url",
        "data.image_url",
        "output.url",
        "image.url",
        "result_url",
        "data.result_url",
        "imageURL",
        f"output|match({ADDRESS})",
        f"result|match({ADDRESS})",
        f"data.output|match({ADDRESS})",
        f"image|match({ADDRESS})",
    )
    #: The picture of all tiles. Where there are no `images` and the action makes no grid, it is the one picture.
    grid: Paths = (
        "original_image_url",
        "data.original_image_url",
        "image_url",
        "output.image_url",
        "data.output.image_url",
        "data.cdnImage",
        "data.discordImage",
        "imageUrl",
        "payload.url",
        "task_result.image_url",
    )
    error: Paths = (
        "error.message",
        "error.raw_message",
        "data.error.message",
        "data.error.raw_message",
        "data.error",
        "error",
        "errors[0].msg",
        "failReason",
        "payload.error",
        "data.failMsg",
        "data.failReason",
        "data.fail_reason",
        "data.errorMessage",
        "data.error_message",
        "fail_reason",
        "errorMessage",
        "error_message",
        "output.message",
        "message",
    )
    error_code: Paths = ("error.code", "data.error.code", "error_code", "data.error_code", "data.failCode")
    action: Paths = ("task_type", "data.task_type", "data.action", "action", "meta.task_type")
    prompt: Paths = ("prompt", "data.prompt", "input.prompt", "data.input.prompt", "payload.prompt")
    #: What the job cost, in `cost_unit`; with `[*]` it adds up. No default: vendors count in their own coin.
    cost: Paths = ()
    #: Which tile (1-4) was picked or varied, else which place the one picture has.
    index: Paths = ()
    #: The vendor's own ids of the pictures, in their order: what comes in several posts is told apart by them.
    item: Paths = ()


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sources.NAME.words]`: the vendor's status words, beside the usual ones, over which they win."""

    queued: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    completed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    canceled: tuple[str, ...] = ()


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything about one vendor."""

    #: A TOML file with values for the other keys, which win: a name in the folder of presets, or a path beside the
    #: configuration file. It is read with the configuration.
    preset: Annotated[str, msgspec.Meta(extra={"presets_in": PRESETS})] = ""
    verify: Verify = Verify()
    paths: Places = Places()
    words: Words = Words()
    #: The vendor's words for actions to canonical ones: `{ enlarge = "upscale" }`.
    actions: dict[str, str] = {}
    #: The action of every job, where the vendor never tells it; "" = it does.
    action: str = ""
    #: What the vendor's texts and codes mean, before the usual meanings: `{ moderated = ["policies", "1102"] }`.
    errors: dict[ErrorCode, tuple[str, ...]] = {}
    #: Whether an error at `paths.error` beats a finished status; None = where `paths.error` is written.
    error_wins: bool | None = None
    #: Whether an error without a status is a failure; None = where `paths.error` is written.
    failed_by_error: bool | None = None
    #: Where the jobs of one post stand: `"data[*]"` is a report for each; all other paths begin there. () = it is one.
    each: Paths = ()
    #: Whether posts are forms; a field `payload` holds JSON.
    form: bool = False
    #: The name of a value in body or query that is to be echoed; "" = none is.
    challenge: str = ""
    #: What is struck out of a body before it is kept.
    redact: tuple[str, ...] = ()
    #: How `progress` is counted: 0-100, or as a share of one.
    progress_unit: Literal["percent", "fraction"] = "percent"
    cost_unit: Literal["credits", "USD"] = "credits"
    #: How many of `cost_unit` one of the vendor's own units is.
    cost_factor: Annotated[float, msgspec.Meta(gt=0, le=1e9)] = 1.0
    #: How long an action usually takes at most, seconds: after that a silent job is first asked for.
    paces: dict[str, Pace] = {}
    #: How long the vendor keeps a result, seconds; None = not known.
    expires_after: Lifetime | None = None
    #: How a job is asked for; None = it cannot be.
    query: QueryKeys | None = None
    #: How each action is ordered.
    orders: dict[str, OrderKeys] = {}
