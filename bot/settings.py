"""The settings: everything the environment says, read once, checked at once, frozen, and handed down as values."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from agent_runtime.context import Asking
from agent_runtime.errors import ENVIRONMENT, ConfigError, ConfigFault, TextError, quoted
from agent_runtime.import_path import parse_import_path
from agent_runtime.model_choice import ModelChoice, ModelName, parse_model

LOG_ONLY = "calls-run-unapproved"
SHORTEST_KEY = 32
"""Characters that a secret key needs at least."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _stripped(value: object) -> object:
    """A text without the blanks that copying it left around it."""
    return value.strip() if isinstance(value, str) else value


def _api_url(url: str) -> str:
    return _web_address(url, "Write it as https://slack.com/api/, or leave it unset", "the token")


def _web_address(url: str, mend: str, sent: str) -> str:
    """The address with one slash at its end; `sent` is what would go there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise TextError("is not a web address", mend) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise TextError("is not a web address", mend)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise TextError(f"would send {sent} unencrypted", "Use https; http is for this machine (127.0.0.1) only")
    return url.rstrip("/") + "/"


def _database_url(secret: SecretStr) -> SecretStr:
    url = secret.get_secret_value()
    mend = "Write sqlite:///path/to/signoff.db, or leave it unset"
    if url.startswith("sqlite:") and (":memory:" in url or url.rstrip("/") == "sqlite:"):
        raise TextError("names a store in memory, which a restart would lose", mend)
    if not url.startswith(("sqlite:///", "postgresql://")):
        raise TextError("is not the address of a store that Signoff knows", mend)
    return secret


def _secret_key(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < SHORTEST_KEY:
        mend = f"Use {SHORTEST_KEY} or more random characters, or leave it unset to have one made"
        raise TextError("is too short to be safe", mend)
    return secret


def _port(value: object) -> object:
    """A port number; 0 lets the machine choose."""
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535):
        raise TextError(f"{quoted(text)} is not a port", "Write a number up to 65535, such as 3000")
    return int(text)


def _agents(value: object) -> object:
    """Import paths between commas, as a tuple."""
    if not isinstance(value, str):
        return value
    return tuple(parse_import_path(path) for path in value.split(",") if path.strip())


def _model(value: object) -> object:
    """A model by its provider and name."""
    return parse_model(value.strip()) if isinstance(value, str) else value


def _switch(value: object) -> object:
    """true or false."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    said = str(value).strip().lower()
    if said not in words:
        raise TextError(f"{quoted(said)} is neither true nor false", "Write true or false, or leave it unset")
    return words[said]


def _log_only(value: object) -> object:
    """Switched on by one sentence only: whoever sets it has said what it does."""
    if isinstance(value, bool):
        return value
    if str(value).strip() == LOG_ONLY:
        return True
    raise TextError("would let every call run that no policy denies", f"Write {LOG_ONLY}, or leave it unset")


_Text = Annotated[str, BeforeValidator(_stripped)]
_Secret = Annotated[SecretStr, BeforeValidator(_stripped)]


class Settings(BaseSettings):
    """The process's settings. `load_settings` builds it and says in words what is wrong. `agents` is empty where the
    policy file decides; a present `slack_app_token` means Socket Mode."""

    model_config = SettingsConfigDict(
        frozen=True, env_ignore_empty=True, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )

    slack_bot_token: _Secret | None = Field(default=None, validation_alias="SLACK_BOT_TOKEN")
    slack_signing_secret: _Secret | None = Field(default=None, validation_alias="SLACK_SIGNING_SECRET")
    slack_app_token: _Secret | None = Field(default=None, validation_alias="SLACK_APP_TOKEN")
    slack_api_url: Annotated[_Text, AfterValidator(_api_url)] = Field(
        default="https://slack.com/api/", validation_alias="SLACK_API_URL"
    )
    config: Path = Field(default=Path("signoff.toml"), validation_alias="SIGNOFF_CONFIG")
    database: Annotated[_Secret, AfterValidator(_database_url)] | None = Field(
        default=None, validation_alias="SIGNOFF_DATABASE_URL"
    )
    data_dir: Path = Field(default=Path(".signoff"), validation_alias="SIGNOFF_DATA_DIR")
    secret_key: Annotated[_Secret, AfterValidator(_secret_key)] | None = Field(
        default=None, validation_alias="SIGNOFF_SECRET_KEY"
    )
    host: _Text = Field(default="127.0.0.1", validation_alias="SIGNOFF_HOST")
    port: Annotated[int, BeforeValidator(_port)] = Field(default=3000, validation_alias="SIGNOFF_PORT")
    agents: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_agents)] = Field(
        default=(), validation_alias="SIGNOFF_AGENTS"
    )
    model: Annotated[ModelName | None, NoDecode, BeforeValidator(_model)] = Field(
        default=None, validation_alias="SIGNOFF_MODEL"
    )
    auto_approve: Annotated[bool, BeforeValidator(_switch)] = Field(
        default=False, validation_alias="SIGNOFF_AUTO_APPROVE"
    )
    glaip_auto_approve: Annotated[bool, BeforeValidator(_switch)] = Field(
        default=False, validation_alias="GLAIP_HITL_AUTO_APPROVE"
    )
    log_only: Annotated[bool, BeforeValidator(_log_only)] = Field(default=False, validation_alias="SIGNOFF_LOG_ONLY")
    # What follows belongs to the models' providers, and counts only where SIGNOFF_MODEL names one of theirs.
    openai_api_key: _Secret | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    openai_base_url: _Text | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    anthropic_api_key: _Secret | None = Field(default=None, validation_alias="ANTHROPIC_API_KEY")
    anthropic_base_url: _Text | None = Field(default=None, validation_alias="ANTHROPIC_BASE_URL")
    sagemaker_endpoint: _Text | None = Field(default=None, validation_alias="SAGEMAKER_ENDPOINT_NAME")

    @property
    def database_url(self) -> str:
        """Where the rows are: as said, else a SQLite file in the data directory. May hold a password: never log it."""
        return self.database.get_secret_value() if self.database else f"sqlite:///{self.data_dir / 'signoff.db'}"

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is reached over a socket instead of calling us over HTTP."""
        return self.slack_app_token is not None

    @property
    def asking(self) -> Asking:
        """Whether people are asked; auto-approval is refused elsewhere where Slack is not on this machine."""
        if self.auto_approve or self.glaip_auto_approve:
            return Asking.AUTO_APPROVE
        return Asking.LOG_ONLY if self.log_only else Asking.PEOPLE

    @property
    def slack_is_local(self) -> bool:
        """Whether the Slack API is a workspace on this machine."""
        return is_loopback(urlsplit(self.slack_api_url).hostname or "")

    @property
    def model_choice(self) -> ModelChoice | None:
        """The model for agents that take one; None where none is named, or `require_model` finds something missing."""
        if self.model is None or require_model(self):
            return None
        if self.model.provider == "sagemaker" and not self.model.model:
            return ModelChoice(ModelName("sagemaker", self.sagemaker_endpoint or ""))
        key, url = _access(self)
        # A server on this machine may want no key, but its client wants to send one.
        return ModelChoice(self.model, key.get_secret_value() if key else "none", url or "")


def load_settings() -> Settings:
    """Reads the environment. Raises `ConfigError` with every bad value, never showing a secret."""
    settings, faults = read_settings()
    if faults:
        raise ConfigError(faults)
    return settings


def read_settings() -> tuple[Settings, tuple[ConfigFault, ...]]:
    """What the environment says, with the default for each value that is bad, and what is wrong with those. For who
    wants to look at everything else all the same; nothing may run on such defaults."""
    try:
        return Settings(), ()
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    faults = tuple(_fault(str(one["loc"][0]), one.get("ctx", {}).get("error")) for one in found)
    bad = {fault.key for fault in faults}
    defaults = {name: field.get_default() for name, field in Settings.model_fields.items()
                if field.validation_alias in bad}  # fmt: skip
    return Settings(**defaults), faults


def read_variable(name: str) -> SecretStr | None:
    """What the environment has under a name that the policy file says; None where nothing is there."""
    said = os.environ.get(name, "").strip()  # noqa: TID251 - the one place
    return SecretStr(said) if said else None


def require_slack(settings: Settings) -> tuple[ConfigFault, ...]:
    """What is missing or wrong-looking for a connection to Slack; empty when all is there. Socket Mode needs the app
    token, HTTP the signing secret."""
    faults = [_token_fault("SLACK_BOT_TOKEN", settings.slack_bot_token, ("xoxb-", "xoxe.xoxb-"))]
    if settings.slack_app_token is not None:
        faults.append(_token_fault("SLACK_APP_TOKEN", settings.slack_app_token, ("xapp-",)))
    else:
        faults.append(_signing_fault(settings.slack_signing_secret))
    return tuple(fault for fault in faults if fault)


def require_model(settings: Settings) -> tuple[ConfigFault, ...]:
    """What the provider of the named model lacks; empty when all is there, or no model is named. Nobody is asked."""
    name = settings.model
    if name is None:
        return ()
    if name.provider == "sagemaker" and not (name.model or settings.sagemaker_endpoint):
        mend = "Name the endpoint that serves the model"
        return (ConfigFault(ENVIRONMENT, "SAGEMAKER_ENDPOINT_NAME", f"is not set, and {name} needs it", mend),)
    if name.provider not in ("openai", "anthropic"):
        return ()  # AWS finds its keys in places of its own
    key, url = _access(settings)
    variable = name.provider.upper()
    if url is not None:
        try:
            address = _web_address(url, "Write it as https://host/v1, or leave it unset", "the key and all texts")
        except TextError as error:
            return (ConfigFault(ENVIRONMENT, f"{variable}_BASE_URL", error.problem, error.mend),)
        if is_loopback(urlsplit(address).hostname or ""):
            return ()
    if key is None:
        mend = "Set it to a key of that provider, or unset SIGNOFF_MODEL"
        return (ConfigFault(ENVIRONMENT, f"{variable}_API_KEY", f"is not set, and {name} needs it", mend),)
    return ()


def _access(settings: Settings) -> tuple[SecretStr | None, str | None]:
    """The key and the address of the named model's provider, where they are set and it has such."""
    provider = settings.model.provider if settings.model else ""
    return {
        "openai": (settings.openai_api_key, settings.openai_base_url),
        "anthropic": (settings.anthropic_api_key, settings.anthropic_base_url),
    }.get(provider, (None, None))


_TOKEN_PAGES = {
    "SLACK_BOT_TOKEN": "Copy the Bot User OAuth Token (xoxb-...) from the app's page OAuth & Permissions",
    "SLACK_APP_TOKEN": "Copy an app-level token (xapp-...) from the app's page Basic Information; HTTP needs none",
}
_TOKEN_NAMES = {"xoxp-": "a user token", "xapp-": "an app-level token", "xoxb-": "a bot token"}


def _token_fault(name: str, token: SecretStr | None, starts: tuple[str, ...]) -> ConfigFault | None:
    if token is None:
        return ConfigFault(ENVIRONMENT, name, "is not set", _TOKEN_PAGES[name])
    text = token.get_secret_value()
    if not text.startswith(starts):
        what = next((noun for start, noun in _TOKEN_NAMES.items() if text.startswith(start)), "something else")
        return ConfigFault(
            ENVIRONMENT, name, f"holds {what}, not a token that starts with {starts[0]}", _TOKEN_PAGES[name]
        )
    if not all(33 <= ord(character) <= 126 for character in text):
        return ConfigFault(ENVIRONMENT, name, "holds characters that no token has", _TOKEN_PAGES[name])
    return None


def _signing_fault(secret: SecretStr | None) -> ConfigFault | None:
    name, mend = "SLACK_SIGNING_SECRET", "Copy the Signing Secret from the app's page Basic Information"
    if secret is None:
        either = f"{mend}, or set SLACK_APP_TOKEN for Socket Mode"
        return ConfigFault(ENVIRONMENT, name, "is not set, and HTTP needs it", either)
    if secret.get_secret_value().startswith(("xox", "xapp-")):
        return ConfigFault(ENVIRONMENT, name, "holds a token, not the signing secret", mend)
    return None


def _fault(name: str, cause: object) -> ConfigFault:
    if isinstance(cause, TextError):
        return ConfigFault(ENVIRONMENT, name, cause.problem, cause.mend)
    return ConfigFault(ENVIRONMENT, name, "is not a value that can be read", "Correct it, or leave it unset")
