"""Fixtures of the security tests: what the other packages build their worlds with."""

from __future__ import annotations

from tests.core.conftest import empty_store, logs, worlds

__all__ = ["empty_store", "logs", "worlds"]
