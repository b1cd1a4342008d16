"""Logs: lines for people on a terminal, JSON elsewhere, always to stderr, never with a token in them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from agent_runtime.redaction import mask

_LEVELS: Mapping[str, int] = {
    "": logging.WARNING,
    "signoff": logging.INFO,
    # Without a level of their own they would follow the root's, and their DEBUG lines hold whole bodies.
    "slack_sdk": logging.INFO,
    "slack_bolt": logging.INFO,
    "slack_bolt.AsyncApp": logging.INFO,
    # A tick that is left out because the one before is still at work is only a late one.
    "apscheduler": logging.ERROR,
}


def configure_logs(stream: TextIO | None = None) -> None:
    """Set up logging for this process, our own lines and the libraries'. May be called again."""
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(terminal=out.isatty()),
                without_tokens,
            ],
        )
    )
    handler.addFilter(_is_news)
    logging.getLogger().handlers = [handler]
    for name, level in _LEVELS.items():
        logging.getLogger(name or None).setLevel(level)


def without_tokens(_logger: Any, _method: str, line: Any) -> Any:
    """The finished line with whatever looks like a token or another secret blotted out."""
    return mask(line) if isinstance(line, str) else line


def _is_news(record: logging.LogRecord) -> bool:
    """Bolt finds SLACK_BOT_TOKEN in the environment by itself and warns at every start that it will not use it."""
    return "`token` will be unused" not in str(record.msg)


def _renderers(*, terminal: bool) -> list[Processor]:
    if terminal:
        # Not rich's traceback, which prints local variables and with them whatever they hold.
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.processors.format_exc_info, _message_first, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _message_first(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Time, level and event in front, where a reader of raw lines looks for them."""
    front = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return {**front, **event}
