"""What failures mean: texts, codes and status words of vendors and their relays, each with where it was seen."""

from __future__ import annotations

import time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.model.jobs import ErrorCode
from receiver.providers.shared.failures import failure, is_reason

JOURNEY: Final = "journeyapi.co/docs/errors"
JOURNEY_FETCH: Final = "journeyapi.co/docs/fetch"
APIFRAME: Final = "docs-v2.apiframe.ai/docs/webhooks"
APIFRAME_SDK: Final = "apiframe-ai/apiframe-nodejs-sdk openapi.json"
VTRIX: Final = "doc.vtrix.ai upscale, error codes"
SEACLOUD: Final = "cloud.seaart.ai/docs/model-api/multimodal"
APIMART: Final = "an integrator's transcription of docs.apimart.ai"
FAL: Final = "fal.ai/docs/documentation/model-apis/errors"
FAL_REQUEST: Final = "fal.ai/docs/documentation/model-apis/request-errors"
FAL_CLIENT: Final = "a public client of fal that lists its error types"
BFL: Final = "docs.bfl.ai/api_integration/errors"
RUNWARE: Final = "runware.ai/docs/platform/errors"
EVOLINK: Final = "docs.evolink.ai/de/api-manual/task-management/error-codes"
NOVICEZK: Final = "novicezk/midjourney-proxy, submit codes and SubmitController"
NEW_API: Final = "new-api's relay of midjourney-proxy"
TRUEAI_LIMITS: Final = "trueai-org/midjourney-proxy SubmitController, limits a day"
TRUEAI: Final = "trueai-org/midjourney-proxy BotMessageListener, titles of Discord's messages"
MIDJOURNEY: Final = "a public Discord bot's record of Midjourney's embeds"
KIE: Final = "docs.kie.ai callbacks, as quoted in public integrations"
FLUX: Final = "replicate's public cog-flux, predict.py"
STABLE: Final = "replicate/cog-stable-diffusion pull request 24"
POLLINATIONS: Final = "pollinations/pollinations pull requests 10801, 11722, 11809"
OPENAI: Final = "mishl-dev/Discord-AI-Chatbot issue 160 (OpenAI's text)"
OPENAI_CODE: Final = "OpenAI's error codes, as public clients compare them"
STABILITY: Final = "ZHO-ZHO-ZHO/ComfyUI-StableDiffusion3-API issue 2 (Stability's answer)"
DREAMSTUDIO: Final = "gladiaio/gladia issue 865 (DreamStudio's answer)"
MUAPI: Final = "Anil-matcha/Open-Generative-AI issue 72"
ZIMAGE: Final = "Tongyi-MAI/Z-Image issue 44"
DIFFUSERS: Final = "OutofAi/OutofFocus issue 5 (diffusers' text)"
WAVESPEED: Final = "wavespeed.ai answers, as quoted in public integrations"
RELAY: Final = "a relay's failure list in its public documentation (Chinese)"
DASHSCOPE: Final = "a public client that names Alibaba's, OpenAI's and relays' refusals"
DEEPSEEK_UI: Final = "a public client's words for HTTP statuses (Chinese)"
IMAGE_TOOL: Final = "public image tools' answers (Chinese)"
GOOGLE: Final = "ai.google.dev/gemini-api/docs/generate-content/api-errors"

#: Texts that were found after the words were chosen: they are read by their kind.
GEMINI: Final = "CherryHQ/cherry-studio issue 3876, jeffstric/ZJT issue 494 (Gemini's texts)"
GEMINI_CODES: Final = "BerriAI/litellm issues 20357 and 28989 (Gemini's finish reasons)"
IMAGEN: Final = "epam/ai-dial-adapter-vertexai issue 48, hamflx/imagen3-mcp issue 1 (Imagen's texts)"
GOOGLE_FLOW: Final = "ffroliva/gflow-cli issue 342 (Google Flow's reason)"
VIOLATES: Final = "google-gemini/deprecated-generative-ai-js issue 432"
XAI: Final = "vercel/ai issue 19168 (xAI's SDK)"
STABILITY_PROMPT: Final = "Stability-AI/rest-api-support issue 1"
LUMA: Final = "lumalabs/ComfyUI-LumaAI-API issue 14"
NOVITA: Final = "novita.ai/docs/api-reference/basic-error-code"
FAL_LOCKED: Final = "fal-ai/fal issues 489, 1112, 1163, 1168"
COAI: Final = "coaidev/coai issue 14 (Midjourney's texts)"
BULKAI: Final = "igolaizola/bulkai issues 14 and 84 (Midjourney's texts)"
YOKONSAN: Final = "yokonsan/midjourney-api issue 42"
FOOOCUS: Final = "mrhan1993/Fooocus-API issue 321 (Replicate)"
COG: Final = "replicate/cog issue 960 and pull request 939"
OPENAI_RESPONSES: Final = "OpenAI's ResponseError codes, in a client's reference (langchain)"
WAVESPEED_CODES: Final = "wavespeed.ai/docs/error-codes"
RUNNINGHUB: Final = "runninghub-api, API error code reference (apifox)"
AUTOJOURNEY: Final = "AutoJourney's error codes (apifox, Chinese)"
STEPFUN: Final = "platform.stepfun.com/docs/zh/api-reference/error-codes"
LEONARDO: Final = "Leonardo-Interactive/leonardo-python-sdk issue 3"
PUTER: Final = "HeyPuter/puter issue 2855 (Replicate)"

#: Message, the vendor's code, its status word, what it means, where it was seen.
Seen = tuple[str | None, str | None, str | None, str, str]
#: The codes after which the same order may well succeed later.
LATER: Final = ("rate_limited", "queue_full", "provider_timeout", "provider_error")

MODERATED: Final[list[Seen]] = [
    ("Content policy violation", None, None, "moderated", JOURNEY_FETCH),
    ("Provider returned an error: content policy violation", None, "FAILED", "moderated", APIFRAME),
    ("Your prompt was flagged by Website as violating content policies.", None, "fail", "moderated", KIE),
    ("Your prompt was flagged by OpenAI as violating policies", None, "fail", "moderated", KIE),
    ("The content could not be processed because it contained material flagged by a content checker.",
     "content_policy_violation", None, "moderated", FAL),
    ("The content was flagged by a content checker.", None, None, "moderated", FAL),
    (None, "content_policy_violation", None, "moderated", FAL),
    (None, "model_moderated", None, "moderated", FAL),
    ("Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by "
     "our safety system.", None, None, "moderated", OPENAI),
    (None, "moderation_blocked", None, "moderated", OPENAI_CODE),
    ("Your request was rejected by the safety system.", "moderation_blocked", None, "moderated", OPENAI_CODE),
    ("Your request was flagged by our content moderation system, as a result your request was denied and you were not "
     "charged.", "content_moderation", None, "moderated", STABILITY),
    (None, None, "Content Moderated", "moderated", BFL),
    (None, None, "Request Moderated", "moderated", BFL),
    (None, None, "moderated", "moderated", "useapi.net/docs/api-midjourney-v3, job events"),
    ("Sorry! Our AI moderators feel your prompt might be against our community standards.", None, None, "moderated",
     MIDJOURNEY),
    ("Content flagged as potentially sensitive.", None, "failed", "moderated", WAVESPEED),
    ("NSFW content detected. Try running it again, or try a different prompt.", None, "failed", "moderated", STABLE),
    ("All generated images contained NSFW content. Try running it again with a different prompt.", None, "failed",
     "moderated", FLUX),
    ("The input or output was flagged as sensitive. Please try again with different inputs. (E005)", None, "failed",
     "moderated", POLLINATIONS),
    ("Potential NSFW content was detected in one or more images. A black image will be returned instead. Try again "
     "with a different prompt and/or seed.", None, None, "moderated", DIFFUSERS),
    ("[Banned prompt detected]", None, "FAILURE", "moderated", TRUEAI),
    ("Banned prompt detected", None, "failed", "moderated", APIMART),
    ("Request cancelled due to output filters", None, "FAILURE", "moderated", TRUEAI),
    ("Image denied", None, "FAILURE", "moderated", TRUEAI),
    ("Task execution failed", "CONTENT_BLOCKED", "COMPLETED", "moderated", SEACLOUD),
    ("Content policy violation.\nYour request was blocked by safety filters...", "content_policy_violation", "failed",
     "moderated", EVOLINK),
    ("Invalid content detected. The prompt was rejected by the safety filter.", "invalidProviderContent", None,
     "moderated", RUNWARE),
    ("Image content violates our content policies", None, "failed", "moderated", KIE),
    (None, "data_inspection_failed", None, "moderated", DASHSCOPE),
    (None, "DataInspectionFailed", None, "moderated", DASHSCOPE),
    (None, "content_filter", None, "moderated", DASHSCOPE),
    ("inappropriate content", None, None, "moderated", DASHSCOPE),
    (None, "unsafe_content", None, "moderated", DASHSCOPE),
    (None, "sensitive_content", None, "moderated", DASHSCOPE),
    (None, "moderation_failed", None, "moderated", DASHSCOPE),
    (None, "safety_violation", None, "moderated", OPENAI_CODE),
    ("可能包含敏感词", None, "FAILURE", "moderated", NOVICEZK),
    ("提示词包含敏感词", None, None, "moderated", IMAGE_TOOL),
    ("提示词包含敏感内容被API过滤，请尝试重新生成描述词或编辑描述词", None, None, "moderated", IMAGE_TOOL),
    ("内容违规", None, None, "moderated", RELAY),
    ("内容审核失败", None, None, "moderated", DASHSCOPE),
    ("输入内容不合规", None, None, "moderated", DASHSCOPE),
]  # fmt: skip
MONEY: Final[list[Seen]] = [
    ("Insufficient credits", None, None, "insufficient_credits", JOURNEY),
    ("Insufficient credits", "40201", None, "insufficient_credits", SEACLOUD),
    ("Insufficient credits. A credit balance > 0 is required for file uploads", None, None, "insufficient_credits",
     MUAPI),
    ("Insufficient credits. Please top up.", "400", None, "insufficient_credits", ZIMAGE),
    ("Your organization does not have enough balance to request this action", None, None, "insufficient_credits",
     DREAMSTUDIO),
    ("[Credits exhausted]", None, "FAILURE", "insufficient_credits", TRUEAI),
    ("Account usage exhausted", None, "FAILURE", "insufficient_credits", TRUEAI),
    (None, "insufficient_quota", None, "insufficient_credits", OPENAI_CODE),
    (None, "billing_hard_limit_reached", None, "insufficient_credits", OPENAI_CODE),
    (None, "402", None, "insufficient_credits", BFL),
    ("The current credits are insufficient. Please top up", "402", None, "insufficient_credits", KIE),
    ("账户余额不足", None, None, "insufficient_credits", DEEPSEEK_UI),
    ("quota_not_enough", "4", None, "insufficient_credits", NEW_API),
    (None, "payment_required", None, "insufficient_credits", APIMART),
]  # fmt: skip
LATER_ON: Final[list[Seen]] = [
    ("[Queue full]", None, "FAILURE", "queue_full", TRUEAI),
    ("队列已满，请稍后尝试", "23", None, "queue_full", NOVICEZK),
    (None, "api_agent_queue_full", None, "queue_full", RELAY),
    (None, "account_concurrency_exhausted", None, "queue_full", RELAY),
    ("Concurrency limit", None, None, "queue_full", KIE),
    ("Rate limit exceeded", "429", None, "rate_limited", JOURNEY),
    (None, "rate_limit_exceeded", None, "rate_limited", OPENAI_CODE),
    (None, "rate_limit_error", None, "rate_limited", APIMART),
    (None, "resource_exhausted", None, "rate_limited", EVOLINK),
    (None, "429", None, "rate_limited", BFL),
    ("今日绘图次数已达上限", "-1", None, "rate_limited", TRUEAI_LIMITS),
    ("请求过于频繁，请稍后再试", None, None, "rate_limited", DEEPSEEK_UI),
    ("Request timed out", "request_timeout", None, "provider_timeout", FAL_REQUEST),
    (None, "startup_timeout", None, "provider_timeout", FAL_REQUEST),
    (None, "runner_connection_timeout", None, "provider_timeout", FAL_REQUEST),
    (None, "generation_timeout", None, "provider_timeout", EVOLINK),
    (None, "timeoutProvider", None, "provider_timeout", RUNWARE),
    (None, "INFERENCE_TIMEOUT", "COMPLETED", "provider_timeout", SEACLOUD),
    ("任务超时", None, "FAILURE", "provider_timeout", "novicezk/midjourney-proxy, a task's failReason"),
    (None, "504", None, "provider_timeout", FAL_REQUEST),
    (None, "runner_scheduling_failure", None, "provider_error", FAL_REQUEST),
    (None, "runner_disconnected", None, "provider_error", FAL_REQUEST),
    (None, "internal_server_error", None, "provider_error", FAL_CLIENT),
    (None, "downstream_service_unavailable", None, "provider_error", FAL_CLIENT),
    ("Internal server error", "500", "fail", "provider_error", KIE),
    (None, "INTERNAL_SERVER_ERROR", "COMPLETED", "provider_error", SEACLOUD),
    (None, "service_error", None, "provider_error", EVOLINK),
    (None, "503", None, "provider_error", BFL),
    ("无可用的账号实例", None, None, "provider_error", NOVICEZK),
]  # fmt: skip
NEVER: Final[list[Seen]] = [
    ("Pending mod message", None, "FAILURE", "account", TRUEAI),
    ("Subscription required", None, "FAILURE", "account", TRUEAI),
    ("Subscription paused", None, "FAILURE", "account", TRUEAI),
    ("Plan Cancelled", None, "FAILURE", "account", TRUEAI),
    ("Blocked, You have been blocked", None, None, "account", "erictik/midjourney-api issues"),
    ("Invalid API key. Get one at https://runware.ai/signup", "invalidApiKey", None, "auth", RUNWARE),
    (None, "invalid_api_key", None, "auth", OPENAI_CODE),
    (None, "authentication_error", None, "auth", APIMART),
    (None, "401", None, "auth", GOOGLE),
    ("[Invalid parameter] Invalid value", None, "FAILURE", "invalid_params", TRUEAI),
    ("Invalid parameter: `--a` is not a valid parameter", None, "failed", "invalid_params", TRUEAI),
    ("Invalid prompt", None, "FAILURE", "invalid_params", TRUEAI),
    ("Invalid link", None, "FAILURE", "invalid_params", TRUEAI),
    ("prompt is required", None, None, "invalid_params", JOURNEY),
    ("index must be 1, 2, 3, or 4", None, None, "invalid_params", JOURNEY),
    ("image_urls must contain 2-5 URLs", None, None, "invalid_params", JOURNEY),
    (None, "REQUEST_INVALID", "COMPLETED", "provider_error", SEACLOUD),
    (None, "invalid_parameters", None, "invalid_params", EVOLINK),
    (None, "image_load_error", None, "invalid_params", FAL_CLIENT),
    (None, "file_download_error", None, "invalid_params", FAL_CLIENT),
    (None, "image_too_large", None, "invalid_params", FAL_CLIENT),
    (None, "feature_not_supported", None, "unsupported", FAL_CLIENT),
    (None, "422", None, "invalid_params", BFL),
    ("Input validation error: expired URL", None, "failed", "invalid_params", POLLINATIONS),
    (None, None, "Task not found", "expired", BFL),
    (None, "CANCELED", "COMPLETED", "canceled", SEACLOUD),
    ("取消任务", None, "FAILURE", "canceled", TRUEAI),
    (None, "request_cancelled", None, "canceled", EVOLINK),
    ("Generation process failed", None, None, "provider_error", VTRIX),
    ("Task execution failed", "INFERENCE_FAILURE", "COMPLETED", "provider_error", SEACLOUD),
    (None, "generation_failed_no_content", None, "provider_error", EVOLINK),
    ("boom", None, "error", "provider_error", APIFRAME_SDK),
]  # fmt: skip
MODERATED_TOO: Final[list[Seen]] = [
    ("Gemini API error: IMAGE_SAFETY", None, None, "moderated", GEMINI),
    ("Gemini image generation blocked [IMAGE_SAFETY]: The generated image was blocked due to safety policy violation, "
     "please modify your prompt and try again", None, None, "moderated", GEMINI),
    (None, "IMAGE_PROHIBITED_CONTENT", None, "moderated", GEMINI_CODES),
    (None, "SAFETY", None, "moderated", GEMINI_CODES),
    ("The model output could not be generated. This output contains sensitive words that violate Google's Responsible "
     "AI practices.", None, None, "moderated", GEMINI_CODES),
    ("The response is blocked, as it may violate our policies.", None, None, "moderated", IMAGEN),
    ("No images were generated. This might be due to the image not passing Google's safety review.", None, None,
     "moderated", IMAGEN),
    (None, "PUBLIC_ERROR_UNSAFE_GENERATION", None, "moderated", GOOGLE_FLOW),
    ("This query violates the policy against generating content that promotes or condones violence", None, None,
     "moderated", VIOLATES),
    ("Image did not respect moderation rules; base64 is not available.", None, None, "moderated", XAI),
    ("Invalid prompts detected", None, None, "moderated", STABILITY_PROMPT),
    ("Generation failed: 400: failed to moderate image", None, None, "moderated", LUMA),
    (None, "ILLEGAL_PROMPT", None, "moderated", NOVITA),
    ("Prompt contains inappropriate content", None, None, "moderated", NOVITA),
    (None, "ILLEGAL_IMAGE_CONTENT", None, "moderated", NOVITA),
    (None, "image_content_policy_violation", None, "moderated", OPENAI_RESPONSES),
    ("photorealistic people detected", None, None, "moderated", EVOLINK),
    ("celebrity detected in image", None, None, "moderated", EVOLINK),
    ("third-party content violation", None, None, "moderated", EVOLINK),
    ("nudity detected", None, None, "moderated", EVOLINK),
    ("violence content blocked", None, None, "moderated", EVOLINK),
    ("The content contains sensitive information.", "1200", "failed", "moderated", WAVESPEED_CODES),
    ("提示词违规", None, None, "moderated", AUTOJOURNEY),
    (None, None, "banned", "moderated", AUTOJOURNEY),
]  # fmt: skip
MONEY_TOO: Final[list[Seen]] = [
    ("User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.", None, None,
     "insufficient_credits", FAL_LOCKED),
    ("User is locked. Reason: TOP_UP.", None, None, "insufficient_credits", FAL_LOCKED),
    ("Not enough credits to use", None, None, "insufficient_credits", FAL_LOCKED),
    (None, "BILLING_BALANCE_NOT_ENOUGH", None, "insufficient_credits", NOVITA),
    ("Account balance is insufficient.", "402", None, "insufficient_credits", STEPFUN),
    ("无可用生成额度", "100001", None, "insufficient_credits", AUTOJOURNEY),
]  # fmt: skip
LATER_TOO: Final[list[Seen]] = [
    ("job queued: you have reached the maximum allowed number of concurrent jobs. don't worry, this job will start as "
     "soon as another one finishes!", None, None, "queue_full", BULKAI),
    ("queue full: your job queue is full. please wait for a job to finish first, then resubmit this one.", None, None,
     "queue_full", BULKAI),
    ("task queue is full：10", "15", None, "queue_full", YOKONSAN),
    ("queue reached limit", None, None, "queue_full", FOOOCUS),
    ("Concurrency limit reached for shared API", "421", None, "queue_full", RUNNINGHUB),
    (None, "TASK_QUEUE_MAXED", None, "queue_full", RUNNINGHUB),
    ("The resource is being rate limited.", None, None, "rate_limited", COAI),
    ("此apikey的限制已经达到上限", "100008", None, "rate_limited", AUTOJOURNEY),
    (None, None, "timeout", "provider_timeout", AUTOJOURNEY),
    ("midjourney: couldn't receive links message: context deadline exceeded", None, None, "provider_timeout", BULKAI),
    ("The request timed out", "5004", None, "provider_timeout", WAVESPEED_CODES),
    ("The service is temporarily unavailable.", "5003", None, "provider_error", WAVESPEED_CODES),
    ("An internal error occurred.", "5000", None, "provider_error", WAVESPEED_CODES),
    ("internal error", "unexpected", None, "provider_error", LEONARDO),
]  # fmt: skip
NEVER_TOO: Final[list[Seen]] = [
    ("[Blocked] You have been blocked from accessing Midjourney. This happens on repeated or serious ToS violations.",
     None, None, "account", COAI),
    ("User is locked. Reason: Admin lock. Please contact support@fal.ai", None, None, "account", FAL_LOCKED),
    (None, "MISSING_API_KEY", None, "auth", NOVITA),
    ("Incorrect API key provided", "401", None, "auth", STEPFUN),
    ("Apikey错误或为空", "100000", None, "auth", AUTOJOURNEY),
    (None, "INVALID_REQUEST_BODY", None, "invalid_params", NOVITA),
    (None, "INVALID_IMAGE_FORMAT", None, "invalid_params", NOVITA),
    (None, "IMAGE_FILE_EXCEEDS_MAX_SIZE", None, "invalid_params", NOVITA),
    (None, "IMAGE_NO_FACE_DETECTED", None, "invalid_params", NOVITA),
    (None, "invalid_image_url", None, "invalid_params", OPENAI_RESPONSES),
    (None, "image_parse_error", None, "invalid_params", OPENAI_RESPONSES),
    (None, "unsupported_image_media_type", None, "invalid_params", OPENAI_RESPONSES),
    (None, "failed_to_download_image", None, "invalid_params", OPENAI_RESPONSES),
    ("field required", "value_error.missing", None, "invalid_params", FAL),
    (None, "image_dimension_mismatch", None, "invalid_params", EVOLINK),
    ("Unable to access the provided media URL.", "1402", None, "invalid_params", WAVESPEED_CODES),
    ("A required parameter is missing: Missing Parameter", "1400", None, "invalid_params", WAVESPEED_CODES),
    ("Workflow validation failed", "433", None, "invalid_params", RUNNINGHUB),
    ("链接地址不正确", None, "invalid link", "invalid_params", AUTOJOURNEY),
    ("主任务未找到", "100002", None, "expired", AUTOJOURNEY),
    ("Prediction failed for an unknown reason. It might have run out of memory? (exitcode 2)", None, None,
     "provider_error", COG),
    ("CUDA out of memory. Tried to allocate 5.92 GiB", None, None, "provider_error", COG),
    ("An error occurred while processing your request (E001)", None, None, "provider_error", PUTER),
]  # fmt: skip
MODERATED.extend(MODERATED_TOO)
MONEY.extend(MONEY_TOO)
LATER_ON.extend(LATER_TOO)
NEVER.extend(NEVER_TOO)
TABLE: Final = [*MODERATED, *MONEY, *LATER_ON, *NEVER]
#: Texts that have a telling word in another sense.
OTHERWISE: Final[list[tuple[str, str]]] = [
    ("safety_tolerance must be between 0 and 6", "invalid_params"),
    ("insufficient permissions for this model", "auth"),
    ("insufficient GPU capacity, please retry", "provider_error"),
    ("Input validation error: try again with a smaller image", "invalid_params"),
    ("the upload took too long to complete", "provider_timeout"),
    ("token expired", "auth"),
    ("Your subscription has expired", "account"),
    ("You used banned words", "moderated"),
    ("Connection aborted by peer", "provider_error"),
    ("the prompt must be no more than 77 tokens", "invalid_params"),
    ("image url: access denied", "auth"),
    ("Content-Type not allowed: invalid value", "invalid_params"),
    ("the style is case sensitive, invalid value", "invalid_params"),
    ("Invalid image size, please retry with a smaller one", "invalid_params"),
]


def test_the_table_is_long_and_each_of_its_texts_has_a_source() -> None:
    assert len(TABLE) >= 180
    assert all(source for *_, source in TABLE)
    assert len({row[:3] for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize(("message", "code", "word", "meaning", "source"), TABLE)
def test_what_vendors_say_means_what_it_says(
    message: str | None, code: str | None, word: str | None, meaning: str, source: str
) -> None:
    error = failure(message, code, word=word)
    assert error.code == meaning, source
    assert error.provider_code == code
    assert error.message


@pytest.mark.parametrize("row", [*MODERATED, *MONEY, *NEVER])
def test_what_will_not_succeed_later_is_not_retryable(row: Seen) -> None:
    message, code, word, *_ = row
    assert not failure(message, code, word=word).retryable


@pytest.mark.parametrize("row", LATER_ON)
def test_what_may_succeed_later_is_retryable(row: Seen) -> None:
    message, code, word, *_ = row
    assert failure(message, code, word=word).retryable


@pytest.mark.parametrize(("message", "meaning"), OTHERWISE)
def test_a_telling_word_may_be_meant_otherwise(message: str, meaning: str) -> None:
    assert failure(message).code == meaning


@pytest.mark.parametrize(
    "text", ["no " * 3000, "content " * 1000, "violating " * 1000, "任务" * 5000, "is not " * 2000]
)
def test_no_text_keeps_it_busy(text: str) -> None:
    begun = time.process_time()
    failure(text)
    assert time.process_time() - begun < 1


@given(st.text(max_size=300), st.one_of(st.none(), st.text(max_size=50)))
def test_no_text_makes_it_raise_and_only_some_codes_are_ever_retryable(message: str, code: str | None) -> None:
    error = failure(message, code)
    assert not error.retryable or error.code in LATER


def test_an_unknown_text_is_not_retryable() -> None:
    error = failure("the hamster left its wheel")
    assert (error.code, error.retryable) == ("provider_error", False)


@pytest.mark.parametrize(
    ("message", "status", "code", "retryable"),
    [
        ("Insufficient credits", 402, "insufficient_credits", False),
        ("Rate limit exceeded", 429, "rate_limited", True),
        (None, 401, "auth", False),
        (None, 400, "invalid_params", False),
        (None, 500, "provider_error", True),
        (None, None, "provider_error", False),
    ],
)
def test_a_status_tells_what_no_word_does(message: str | None, status: int | None, code: str, retryable: bool) -> None:
    error = failure(message, 8_004_005_099, status)
    assert (error.code, error.retryable, error.provider_code) == (code, retryable, "8004005099")


def test_own_meanings_go_first_by_text_and_by_whole_code() -> None:
    own: dict[ErrorCode, tuple[str, ...]] = {"moderated": ("policies", "1102"), "queue_full": ("SHOP_FULL",)}
    assert failure("House policies", own=own).code == "moderated"
    assert failure("no", "1102", own=own).code == "moderated"
    assert failure("code 1102: no", own=own).code == "moderated"
    assert failure("no", "11021", own=own).code == "provider_error"
    error = failure("rate limit", "shop-full", own=own)
    assert (error.code, error.retryable) == ("queue_full", True)


@pytest.mark.parametrize(
    "praise",
    ["success", "SUCCESS", "ok", "Submit success", "none", "null", "No error", "0", "", "Request successful",
     "操作成功",
     "Playground task completed successfully.", "query success"],
)  # fmt: skip
def test_an_envelopes_praise_is_no_reason(praise: str) -> None:
    assert not is_reason(praise)


@pytest.mark.parametrize(
    "reason",
    [
        "it failed",
        "not successful",
        "generated successfully, but it was flagged",
        "任务未成功",
        "no successful picture",
    ],
)
def test_praise_that_goes_on_is_a_reason(reason: str) -> None:
    assert is_reason(reason)
