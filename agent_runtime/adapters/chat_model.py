"""The chosen model as LangChain's chat model. The only place that imports a provider's package, and only the chosen
one's."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from agent_runtime.errors import ENVIRONMENT, ConfigError, ConfigFault
from agent_runtime.model_choice import PROVIDERS, VARIABLE, ModelChoice

TIMEOUT_SECONDS = 60.0
"""How long one request may take."""

TRIES_AGAIN = 2
"""How often the provider's own client tries again, at once or when the provider says, before the advance fails. A run
whose advance failed is tried again too, later and durably."""

ROOT = Path(__file__).resolve().parents[2]


def build_chat_model(choice: ModelChoice, *, timeout: float = TIMEOUT_SECONDS) -> BaseChatModel:
    """The chat model, not yet asked anything. Raises ConfigError where a package or the provider's own set-up is
    missing."""
    provider = PROVIDERS[choice.name.provider]
    missing = [module.replace("_", "-") for module in provider.modules if find_spec(module) is None]
    if missing:
        problem = f"is {choice.name}, which needs the extra {provider.extra}: {', '.join(missing)} is not installed"
        raise _fault(problem, f"Install it: {install(provider.extra)}")
    try:
        return _built(choice, timeout)
    except Exception as error:  # each provider's package has errors of its own for what it lacks
        said = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
        raise _fault(
            f"is {choice.name}, which could not be set up: {said}", "Give its provider what it needs"
        ) from error


def install(extra: str) -> str:
    """The command that adds an extra to this very installation."""
    place = f"-e '{ROOT}[{extra}]'" if (ROOT / "pyproject.toml").is_file() else f"'signoff[{extra}]'"
    return f"{sys.executable} -m pip install {place}"


def _built(choice: ModelChoice, timeout: float) -> BaseChatModel:
    from langchain.chat_models import init_chat_model  # only where a model is wanted

    name, provider = choice.name.model, choice.name.provider
    if provider == "sagemaker":
        from agent_runtime.adapters.sagemaker import sagemaker_model

        return sagemaker_model(name, timeout=timeout)
    if provider == "bedrock":
        from botocore.config import Config

        limits = Config(read_timeout=timeout, retries={"total_max_attempts": 1 + TRIES_AGAIN, "mode": "standard"})
        bedrock: BaseChatModel = init_chat_model(name, model_provider="bedrock_converse", config=limits)
        return bedrock
    given: dict[str, Any] = {"timeout": timeout, "max_retries": TRIES_AGAIN, "api_key": choice.api_key}
    if choice.base_url:
        given["base_url"] = choice.base_url
    made: BaseChatModel = init_chat_model(name, model_provider=provider, **given)
    return made


def _fault(problem: str, mend: str) -> ConfigError:
    return ConfigError((ConfigFault(ENVIRONMENT, VARIABLE, problem, mend),))
