"""`[[webhook]]` in the policy file and what it names in the environment: read as written, or every fault is told."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest
from pydantic import SecretStr

from agent_runtime.errors import ConfigError
from agent_runtime.policy_changes import needs_restart
from agent_runtime.policy_file import read_policy_text
from agent_runtime.webhook import Webhook
from bot.webhooks.endpoints import read_endpoints
from tests.webhooks.receiver import SECRET

STAGE = '[default.stage]\napprovers = ["user:UANA"]\n'
CRM = '[[webhook]]\nname = "crm"\nurl = "https://crm.example/hook"\nsecret_env = "CRM_SECRET"\n'


def faults(*tables: str) -> list[str]:
    """What is wrong with these tables, as it is told."""
    with pytest.raises(ConfigError) as caught:
        read_policy_text(STAGE + "".join(tables), "signoff.toml")
    return [str(fault) for fault in caught.value.faults]


def read(*tables: str) -> tuple[Webhook, ...]:
    return read_policy_text(STAGE + "".join(tables), "signoff.toml").webhooks


def environment(values: Mapping[str, str]) -> object:
    return lambda name: SecretStr(values[name]) if name in values else None


def test_a_webhook_is_read_as_written() -> None:
    """Every key ends up in its field."""
    whole = CRM.replace('url = "https://crm.example/hook"', 'url_env = "CRM_URL"')
    whole = whole.replace('"crm"', '"two"') + 'events = ["request.*", "run.failed"]\nallow_private = true\n'
    assert read(CRM, whole) == (
        Webhook(name="crm", url="https://crm.example/hook", secret_env="CRM_SECRET"),
        Webhook(
            name="two", url_env="CRM_URL", secret_env="CRM_SECRET", events=("request.*", "run.failed"),
            allow_private=True,
        ),
    )  # fmt: skip


def test_everything_wrong_is_told_at_once_with_its_line() -> None:
    """A whole table of faults, and a second one with the name of the first."""
    found = faults('[[webhook]]\nname = "C R M"\nurl = "crm.example"\nevents = ["requst.*"]\ncolour = 1\n', CRM, CRM)
    assert [fault.split(". ")[0] for fault in found] == [
        "signoff.toml:3: webhook 1.secret_env: is missing, and every event is signed",
        'signoff.toml:4: webhook 1.name: "C R M" is not a name',
        "signoff.toml:5: webhook 1.url: is not a web address",
        'signoff.toml:6: webhook 1.events 1: "requst.*" is no event',
        "signoff.toml:7: webhook 1.colour: is not a known key",
        'signoff.toml:13: webhook 3.name: "crm" is the name of another webhook',
    ]
    assert 'Did you mean "request.*"?' in found[3]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f'secret_env = "{SECRET}"', "holds a secret, and not the name of an environment variable"),
        ('secret_env = "crm secret"', "is not the name of an environment variable"),
        (f'secret = "{SECRET}"', "would stand in the file, which is no place for a secret"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(line: str, said: str) -> None:
    """What may be a secret is in no message."""
    (found,) = faults(CRM.replace('secret_env = "CRM_SECRET"', line))
    assert said in found
    assert SECRET not in found
    assert "crm secret" not in found


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "url: is missing"),
        ('url = "https://a.example"\nurl_env = "A"', "url: stands beside url_env"),
        ('url = "http://a.example"', "url: would send events unencrypted"),
        ('url = "https://me:hunter2@a.example"', "url: has a password in it"),
        ('url = "https://a.example:99999/"', "url: is not a web address"),
        ('url = "https://[::1"', "url: is not a web address"),
        ('url = "https://a.example/#part"', "url: is not a web address"),
        ('url = "ftp://a.example"', "url: is not a web address"),
        ('url_env = "https://a.example/hunter2"', "url_env: holds the address itself"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused_and_not_repeated(lines: str, said: str) -> None:
    """Its path or its password may be all that protects the receiver."""
    (found,) = faults(CRM.replace('url = "https://crm.example/hook"', lines))
    assert said in found
    assert "hunter2" not in found


def test_http_is_for_private_networks() -> None:
    """Where `allow_private` says that it is one."""
    (found,) = read(CRM.replace("https", "http") + "allow_private = true\n")
    assert found.url == "http://crm.example/hook"


def test_a_changed_webhook_needs_a_restart() -> None:
    """A reload says so."""
    before, after = (read_policy_text(STAGE + text, "signoff.toml") for text in ("", CRM))
    assert needs_restart(before, after) == ("webhook",)


def secret_of(size: int) -> str:
    return "whsec_" + base64.b64encode(b"x" * size).decode()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("", "is not set, and the webhook crm is signed with it"),
        ("hunter2hunter2", "holds no secret that begins with whsec_"),
        ("whsec_hunter2!", "is not base64 after whsec_"),
        (secret_of(23), "holds a secret of 23 bytes, not of 24 to 64"),
        (secret_of(65), "holds a secret of 65 bytes, not of 24 to 64"),
        (" ".join([SECRET] * 3), "holds more than 2 secrets"),
    ],
)
def test_a_secret_that_is_none_is_named_and_not_repeated(said: str, problem: str) -> None:
    """The variable, what is wrong with it, and how to make a secret."""
    endpoints, found = read_endpoints(read(CRM), environment({"CRM_SECRET": said} if said else {}))  # type: ignore[arg-type]
    assert endpoints == ()
    (fault,) = found
    assert (fault.key, fault.problem) == ("CRM_SECRET", problem)
    assert not said or said not in str(fault)


def test_an_address_may_stand_in_the_environment() -> None:
    """Under the same rules; a missing one is named."""
    table = CRM.replace('url = "https://crm.example/hook"', 'url_env = "CRM_URL"')
    held = {"CRM_SECRET": SECRET, "CRM_URL": "https://crm.example:8443/hook"}
    (endpoint,), _ = read_endpoints(read(table), environment(held))  # type: ignore[arg-type]
    assert (endpoint.host, endpoint.port) == ("crm.example", 8443)
    for url, problem in (("", "is not set, and"), ("http://crm.example", "unencrypted"), ("x", "not a web address")):
        _, (fault,) = read_endpoints(
            read(table), environment({**held, "CRM_URL": url} if url else {"CRM_SECRET": SECRET})
        )  # type: ignore[arg-type]
        assert (fault.key, problem in fault.problem) == ("CRM_URL", True)
