"""Log lines: one JSON object each on stdout, without secrets, answers or addresses.

Every line passes `redact`, those of libraries too. Log ids and codes; redaction is the second wall,
for what a library or an exception's text brings along.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from schemas.secret import MASK, Secret

# Keys whose values never appear, whole or as the end of a longer key (client_secret, sealed_token).
SECRET_KEYS = re.compile(
    r"(?:^|_)(?:secrets?|tokens?|passwords?|passwd|authorization|cookies?|api_?keys?|keks?|credentials?"
    r"|code_verifier|signature|sealed|answers?|email|phone|body|payload)$",
    re.IGNORECASE,
)
# What gives itself away inside a text. PostgreSQL's DETAIL quotes the values of the refused row.
GIVEAWAYS = (
    (re.compile(r"(DETAIL:).*"), rf"\1 {MASK}"),
    (re.compile(r"ab_(?:live|test)_[A-Za-z0-9_]+"), MASK),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), rf"\1 {MASK}"),
    (re.compile(r"(/(?:hooks|cards)/[^/\s]+/)[^/\s?\"']+"), rf"\1{MASK}"),
    (
        re.compile(r"(?i)([?&](?:code|state|token|\w+_token|client_secret)=)[^&\s\"']+"),
        rf"\1{MASK}",
    ),
    (re.compile(r"(\w+://[^:/\s@]*:)[^@/\s]+@"), rf"\1{MASK}@"),
    (re.compile(r"[^\s@\"'<>()=,;:]+@[^\s@\"'<>()=,;:]+\.[^\s@\"'<>()=,;:.]+"), MASK),
)
# These log request arguments and answers at DEBUG, some at INFO.
NOISY = (
    "authlib",
    "hubspot",
    "httpcore",
    "httpx",
    "mssql_python",
    "oracledb",
    "pymysql",
    "requests",
    "rq",
    "simple_salesforce",
    "urllib3",
    "zeep",
    "zenpy",
)


def configure_log(level: int = logging.INFO, *, stream: TextIO | None = None) -> None:
    """Send every line of this process to `stream` (stdout) as JSON. A repeat replaces the first.

    Call it before any adapter is imported: where the variable DEBUG_LOG is set, zenpy turns the
    root logger to DEBUG, request arguments included, unless the root already has a handler
    (zenpy/__init__.py 2.0.57).
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                ),
                redact,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _noisy_loggers():
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _noisy_loggers() -> list[str]:
    """The SDKs' loggers, and those below them that already have a level of their own."""
    known = list(logging.root.manager.loggerDict)
    return [*NOISY, *(name for name in known if name.partition(".")[0] in NOISY)]


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """`get_logger(__name__).warning("crm_throttled", connection_id=7)`: a stable word, then ids."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The event without what must not be seen, at any depth."""
    return {key: _shown(key, value) for key, value in event.items()}


def redacted(text: str) -> str:
    """`text` with keys, tokens, passwords and addresses masked."""
    for pattern, mask in GIVEAWAYS:
        text = pattern.sub(mask, text)
    return text


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _shown(key: str, value: Any) -> Any:  # noqa: ANN401 - a log line may carry anything
    if isinstance(value, Secret | bytes) or (SECRET_KEYS.search(key) and value is not None):
        return MASK
    if isinstance(value, Mapping):
        return {str(inner): _shown(str(inner), one) for inner, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown("", one) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(str(value))
