"""Which chat model the agents are given, as the settings say it: `provider:model`, and what its provider needs to know.

Only values live here. What becomes of them is the adapter's affair, so that a provider's package is imported by nobody
who did not choose it.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from agent_runtime.errors import TextError, quoted

VARIABLE = "SIGNOFF_MODEL"
EXAMPLE = "openai:gpt-4o-mini"
MEND = f"Write it as provider:model, such as {EXAMPLE}, or leave it unset"


@dataclass(frozen=True, slots=True)
class Provider:
    """Somebody who runs models. `extra` is the optional part of this package that brings what speaks with it, `modules`
    what must then be there to be imported."""

    extra: str
    modules: tuple[str, ...]


PROVIDERS = {
    "openai": Provider("openai", ("langchain", "langchain_openai")),
    "anthropic": Provider("anthropic", ("langchain", "langchain_anthropic")),
    "bedrock": Provider("aws", ("langchain", "langchain_aws")),
    "sagemaker": Provider("aws", ("langchain", "langchain_openai", "boto3")),
}


@dataclass(frozen=True, slots=True)
class ModelName:
    """A provider that is known, and its own name of a model. Only a SageMaker endpoint may be named elsewhere."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model with everything that reaching it takes; empty where its provider's own defaults hold."""

    name: ModelName
    api_key: str = field(default="", repr=False)
    base_url: str = ""

    def __str__(self) -> str:
        return f"{self.name} at {self.base_url}" if self.base_url else str(self.name)


def parse_model(text: str) -> ModelName:
    """The model that a setting names. Raises TextError with the mend."""
    provider, colon, model = text.partition(":")
    if not colon:
        raise TextError(f"is {quoted(text)}, which names no provider", _with_provider(text))
    if provider not in PROVIDERS:
        raise TextError(f"names the provider {quoted(provider)}, which is not known", _known(provider, model))
    if not model and provider != "sagemaker":
        raise TextError(f"names no model of {provider}", MEND)
    if not (model.isprintable() and " " not in model and len(model) <= 500):
        raise TextError(f"is {quoted(text)}, and no model has such a name", MEND)
    return ModelName(provider, model)


def _with_provider(text: str) -> str:
    if text == "sagemaker":
        return "Write it as sagemaker:ENDPOINT, or as sagemaker: with SAGEMAKER_ENDPOINT_NAME"
    starts = {"gpt": "openai", "claude": "anthropic"}
    meant = next((provider for start, provider in starts.items() if text.casefold().startswith(start)), None)
    return f"Did you mean {meant}:{text}?" if meant else MEND


def _known(provider: str, model: str) -> str:
    near = difflib.get_close_matches(provider.casefold(), PROVIDERS, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}:{model}?"
    names = ", ".join(PROVIDERS)
    return f"There are {names}; for a server that speaks OpenAI's API write openai:NAME and set OPENAI_BASE_URL"
