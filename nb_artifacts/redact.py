"""Takes known kinds of secrets out of captured source, best effort: what no pattern knows stays in.

Patterns are of two kinds: values with a shape of their own (tokens of known services, private keys, addresses with a
password), and values assigned or passed to a name that says it is a secret. The keys in use for an API are known as they are.
"""

from __future__ import annotations

import re

from nb_artifacts import config

HIDDEN = "[redacted]"

_SHAPES = [
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b",  # Amazon
    r"\bAIza[0-9A-Za-z_-]{30,}",  # Google API
    r"\bya29\.[0-9A-Za-z_-]{20,}",  # Google OAuth
    r"\bGOCSPX-[0-9A-Za-z_-]{20,}",
    r"\bgh[pousr]_[0-9A-Za-z]{30,}",  # GitHub
    r"\bgithub_pat_[0-9A-Za-z_]{30,}",
    r"\bglpat-[0-9A-Za-z_-]{16,}",  # GitLab
    r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}",  # Slack
    r"\bhooks\.slack\.com/services/[0-9A-Za-z/]{20,}",
    r"\bsk-(?:[a-z]+-)*[0-9A-Za-z_-]{20,}",  # OpenAI, Anthropic and others of that form
    r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,}",  # Stripe
    r"\bhf_[0-9A-Za-z]{20,}",  # Hugging Face
    r"\bpn[ub]_[0-9A-Za-z]{20,}",  # Prefect
    r"\bpypi-[0-9A-Za-z_-]{30,}",
    r"\bnpm_[0-9A-Za-z]{30,}",
    r"\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}",  # SendGrid
    r"\bdapi[0-9a-f]{32}\b",  # Databricks
    r"\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]*",  # JSON Web Token
    r"\bnba_[0-9A-Za-z_-]{20,}",  # ours
    r"\b(?i:bearer|basic|token)\s+[0-9A-Za-z+/=._-]{16,}",
]
_ADDRESS = re.compile(r"(?P<before>\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@'\"]*:)[^\s@'\"]+(?=@)")
_SHAPE = re.compile("|".join(_SHAPES))

_WORD = (
    r"[\w.-]*(?:pass(?:word|wd|phrase)|secret|token|api_?-?key|access_?-?key|private_?-?key|account_?-?key|auth_?-?key"
    r"|credential|connection_?-?string|sas_?-?key|pwd)[\w-]*"
)
_QUOTED = r"(?:[rRbBuUfF]{0,2})(?P<quote>\"\"\"|'''|\"|')(?P<value>(?:\\.|(?!(?P=quote))[\s\S])+)(?P=quote)"
_NAMED = re.compile(rf"(?P<before>(?i:{_WORD})['\"]?\]?\s*(?::\s*\w+\s*)?(?:=|:|,)\s*){_QUOTED}")
_ENV_LINE = re.compile(rf"(?m)^(?P<before>\s*%(?:env|set_env)\s+(?i:{_WORD})(?:\s*=\s*|\s+))(?P<value>\S.*)$")
_SHELL = re.compile(rf"(?P<before>(?i:{_WORD})=)(?P<value>[^\s'\"`&|;)]+)")
_OWN = re.compile(r"(?P<before>\b(?:NB_ARTIFACTS|PREFECT)_API_KEY=)(?P<value>[^\s'\"`&|;)]+)")
_SHELL_LINE = re.compile(r"(?m)^\s*(?:!|%%(?:bash|sh)\b|%(?:env|sx|system)\b|export\s).*$")


def redact(source: str) -> str:
    """`source` with known kinds of secrets replaced by ``[redacted]``."""
    for key in config.keys_in_use():
        source = source.replace(key, HIDDEN)
    source = _SHAPE.sub(HIDDEN, source)
    source = _ADDRESS.sub(rf"\g<before>{HIDDEN}", source)
    source = _NAMED.sub(rf"\g<before>\g<quote>{HIDDEN}\g<quote>", source)
    source = _OWN.sub(rf"\g<before>{HIDDEN}", source)
    source = _ENV_LINE.sub(rf"\g<before>{HIDDEN}", source)
    return _SHELL_LINE.sub(lambda line: _SHELL.sub(rf"\g<before>{HIDDEN}", line.group()), source)


def error_line(error: BaseException) -> str:
    """An exception as one line of at most 300 characters, known kinds of secrets taken out."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 (a user's class: its own fault must not take the place of the error)
        said = ""
    text = redact(said.encode("utf-8", "replace").decode()).strip().split("\n", 1)[0]
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__
