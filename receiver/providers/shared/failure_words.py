"""The words in which vendors say why something failed, as kinds: a text that nobody wrote down yet is read by its kind.

Where each was seen stands in the tests. They are matched against plain text: small letters, one space for everything
that is no letter or digit, a space before and behind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from receiver.model.jobs import ErrorCode

#: Up to so many words of any kind.
FEW: Final = r"(?:\w+ ){0,3}?"
COINS: Final = r"(?:credits?|balance|points?|tokens?|quota|funds?|money|coins?|fast hours)"
#: What stands between who is shut out and how.
IS: Final = r"(?:(?:has|have|is|are|was|were|ve|been|not|temporarily|permanently|currently) )*"
SHUT_OUT: Final = (
    r"(?:blocked|banned|suspended|disabled|deactivated|locked|frozen|terminated|restricted|revoked|paused"
    r"|inactive)"
)
SHOWN: Final = r"(?:words?|terms?|prompts?|contents?|images?|texts?|keywords?|phrases?)"

CREDITS: Final = (
    r"\binsufficient (?!permission|scope|privilege|access|capacity|resource|gpu|memory|compute)",
    rf"\b(?:enough|exhausted|out of|no|zero|low) (?!more than){FEW}{COINS}\b(?! (?:param|set|given|found|provided))",
    rf"\b(?:credit|usage|{COINS}) {FEW}(?:not enough|exhausted|exceeded|too low|used up|depleted|empty|negative)",
    r"\bexceeded your (?:current )?quota", r"\bspend(?:ing)? (?:limit|cap)", r"\bpayment (?:method )?(?:is )?required",
    r"\btop up\b", r"\bbilling\b", r"\bprepayment", r"\brecharge",
    r"余额|额度|(?:积分|点数|配额)(?:不|已|用|耗)", r"次数(?:不足|已用)", r"欠费", r"充值",
)  # fmt: skip
ACCOUNT: Final = (
    rf"\b(?:account|user|subscription|workspace|organi[sz]ation|plan) {IS}{SHUT_OUT}\b",
    rf"\byou (?:have been|ve been|are|were) (?:\w+ )?{SHUT_OUT}\b", rf"\b{SHUT_OUT} (?:account|user)\b",
    r"\b(?:account|subscription|plan) (?:is |was )?not active",
    r"\baccess (?:has been |was |is )?revoked", r"\badmin lock", r"\bpending mod message", r"\bplan cancelled",
    r"\bsubscription (?:has |is |was )?(?:required|expired|ended|canceled|cancelled)",
    r"(?:账号|账户|帐号|帐户|用户)已?被?(?:封|禁|冻结|停用|锁)",
)  # fmt: skip
MODERATED: Final = (
    r"moderat", r"nsfw", r"\bflagged\b", r"(?<!case )\bsensitive\b", r"\bunsafe\b", r"\bharmful\b",
    r"\bresponsible ai\b",
    r"\bsafety\b(?! (?:tolerance|settings?|checker must))", r"^ (?:banned|blocked) $",
    r"\b(?:explicit (?:content|image|material|prompt)s?|sexual\w*|porn\w*|nudity|hateful|hate speech)\b",
    r"\b(?:people|person|minor|child|weapon|violence) detected\b",
    r"\b(?:copyright\w*|celebrity|likeness|public figures?)\b", r"\brisk control\b", r"\boutput filters\b",
    r"\b(?:banned|forbidden|prohibited|blocked|illegal|inappropriate|disallowed|objectionable|offensive) "
    rf"{FEW}{SHOWN}\b",
    rf"\b(?:prompts?|contents?(?! type)|text|image|output) {FEW}(?:is |was |were |are )?(?:blocked|banned)\b",
    r"\bimage denied\b",
    rf"\b(?:prompts?|contents?(?! type)|text|output) {FEW}(?:is |was |were |are )?(?:(?<!access )denied|not allowed)\b",
    rf"\b(?:prompts?|contents?|output) {FEW}(?:is |was |were |are )?(?:rejected|refused)\b",
    rf"\bviolat(?:e|es|ed|ing|ion|ions)\b {FEW}{FEW}(?:polic|terms|tos|guidelines|rules|standards|laws?|our)",
    r"\b(?:polic(?:y|ies)|terms of service|guidelines?|tos|standards|content) violation", r"\bviolating polic",
    r"\b(?:content|usage|acceptable use|community) (?:polic|guidelines|standards)", r"\bblocked by (?:\w+ ){0,2}filter",
    r"\bcontent (?:filter|checker|restrict)", r"\binvalid (?:prompts?|content) detected", r"\binvalid provider content",
    r"\bdata inspection failed", r"\b(?:pass|failed) (?:the )?(?:\w+ )?(?:review|audit)\b", r"\bpolicies\b",
    r"敏感|违规|违法|违禁|禁用词|屏蔽词|不合规|审核|审查|内容安全|安全检测|不良(?:信息|内容)|不当|涉黄|涉政|色情|暴力|拦截|风控|版权",
)  # fmt: skip
QUEUE: Final = (
    r"\bqueue (?:is |has )?(?:full|reached|limit|exceeded|maxed)", r"\bconcurren",
    r"\b(?:jobs|tasks|generations) in progress",
    rf"\btoo many {FEW}(?:jobs|tasks|generations|predictions)\b",
    rf"\b(?:maximum|max|limit) {FEW}{FEW}(?:jobs|tasks|generations|predictions)\b",
    r"\binstance maxed", r"队列已?满|排队.*(?:满|多)|并发|并行|任务(?:数|已满|过多)",
)  # fmt: skip
RATE: Final = (
    r"\brate ?limit", r"\btoo many (?:\w+ )?requests", r"throttl", r"\bresource exhausted",
    r"\btoo (?:quickly|frequent)",
    r"\bslow down", r"\bper (?:minute|second|hour) (?:limit|quota)", r"\b(?:daily|hourly) limit",
    r"频繁|频率|过快|限流|达上限|达到上限|请求过多",
)  # fmt: skip
TIMEOUT: Final = (
    r"time[d]? ?out", r"\bdeadline exceeded", r"\btook too long", r"\btoo long to \w+",
    r"\bno response (?:from|within)", r"超时",
)  # fmt: skip
AUTH: Final = (
    r"\bunauthor", r"\bnot authori[sz]ed", r"\bauthenticat", r"\bpermissions?\b", r"\bforbidden\b", r"\baccess denied",
    r"\b(?:invalid|incorrect|missing|wrong|expired|bad|no) (?:\w+ ){0,2}?(?:api ?key|token|credentials?|auth)\b",
    r"\b(?:api ?key|token|credentials?) (?:\w+ ){0,2}?(?:invalid|missing|expired|incorrect|required)\b",
    r"鉴权|未授权|无权|令牌|密钥|api ?key ?(?:错误|无效|不)",
)  # fmt: skip
UNSUPPORTED: Final = (r"\bfeature not supported", r"\brequires an upscaled")
INVALID: Final = (
    rf"\binvalid {FEW}(?:param|prompt|link|request|value|input|image|url|format|size|dimension|arg|json|body|aspect"
    r"|ratio|index|mask|seed|model|option)",
    r"\bvalidation\b", r"\bvalue error", r"\b(?:is|field) required", r"\bmust (?:be|have|contain|not)\b",
    r"\bshould (?:be|have|match)\b", r"\bensure this", r"\bmissing (?:required )?(?:param|field|prompt|argument)",
    r"\bunrecogni[sz]ed", r"\bunknown (?:param|argument|field|option|flag|model)", r"\bextra inputs", r"\bbad request",
    rf"\bunsupported {FEW}(?:format|type|size|image|media|aspect|ratio|model|file)",
    r"\bnot (?:a )?(?:valid|permitted|supported)\b", r"\btoo (?:long|large|small|big|short)\b", r"\bmalformed",
    rf"\bexceed(?:s|ed|ing)? {FEW}(?:length|size|resolution)", r"\bcannot be (?:empty|blank|null)", r"\bout of range",
    rf"\b(?:could not|cannot|failed to|unable to) {FEW}(?:download|load|fetch|read|decode|open|parse|access) "
    rf"{FEW}(?:image|file|url|mask|input)",
    r"\bimage (?:load|parse|dimension|processing|file)", r"\bfile download error", r"\bface (?:not )?detect",
    r"\bno face\b",
    r"\bmodel (?:\w+ )?(?:not found|does not exist)", r"\bdivisible by\b",
    r"参数|不能为空|格式(?:错误|不)|尺寸|图片(?:下载|加载|过大|太大)|无效的(?:图片|链接|提示)|不合法|不正确|不支持",
)  # fmt: skip
BROKEN: Final = (
    r"\bconnection (?:\w+ )?(?:reset|aborted|refused|closed|error)", r"\beconn", r"\bnetwork error", r"\binterrupted",
    r"\binsufficient (?:capacity|resource|gpu|compute)",
)  # fmt: skip
EXPIRED: Final = (
    r"\bexpired\b", r"\b(?:task|job|prediction|generation) (?:id )?(?:was |is )?(?:not found|does not exist)",
    r"过期|任务(?:不存在|未找到|已失效)",
)  # fmt: skip
CANCELED: Final = (r"\bcancel", r"\baborted", r"取消")
SERVER: Final = (
    r"\binternal (?:\w+ )?error", r"\b(?:server|service|upstream) error", r"\bunavailable", r"\boverload", r"\bbusy\b",
    r"\bbad gateway", r"\btry again(?! with| using)", r"\bretry\b(?! with| using)", r"\brunner ", r"\bwarming up",
    r"\bhigh load",
    r"无可用|繁忙|系统(?:异常|错误)|服务(?:异常|错误|器)|内部错误|网络(?:异常|错误)|负载",
)  # fmt: skip
#: The most telling kinds first.
KINDS: Final[Sequence[tuple[ErrorCode, Sequence[str]]]] = (
    ("insufficient_credits", CREDITS),
    ("account", ACCOUNT),
    ("moderated", MODERATED),
    ("queue_full", QUEUE),
    ("rate_limited", RATE),
    ("provider_timeout", TIMEOUT),
    ("auth", AUTH),
    ("unsupported", UNSUPPORTED),
    ("provider_error", BROKEN),
    ("invalid_params", INVALID),
    ("expired", EXPIRED),
    ("canceled", CANCELED),
    ("provider_error", SERVER),
)
_COMPILED: Final = [(code, re.compile("|".join(words))) for code, words in KINDS]
#: Characters of a text that are looked at.
LONGEST: Final = 2000


def meaning_of(heard: str) -> ErrorCode | None:
    """What plain text means by the usual words; None for what has none of them."""
    told = heard[:LONGEST]
    return next((code for code, words in _COMPILED if words.search(told) is not None), None)
