"""The tests of the documents, tested: a document with something wrong in it fails, and says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import blocks, claims
from tests.docs.reader import Reader

WRONG = {
    "a block that nobody claims": ("```ruby\nputs 1\n```\n", "nobody runs a block of ruby"),
    "a block without a language": ("```\nsomething\n```\n", "nobody runs a block of no language"),
    "a command that is not ours": ("```sh\ncurl https://192.0.2.1\n```\n", "nobody runs 'curl'"),
    "a command there is not": ("```sh\nsignoff chekc\n```\n", "signoff chekc ended with 2"),
    "an option there is not": ("```sh\nsignoff demo --fast\n```\n", "No such option"),
    "a target there is not": ("```sh\nmake tset\n```\n", "make -C"),
    "output that is not said": (
        "```sh\nsignoff --version\n```\n```text\nsignoff 99\n```\n",
        "not said: ['signoff 99']",
    ),
    "output of nothing": ("```text\nsignoff 99\n```\n", "no command is right before this output"),
    "a key there is not": ("```toml\n[slack]\nchanel = 1\n```\n", "chanel"),
    "broken TOML": ("```toml\n[slack\n```\n", "is not valid TOML"),
    "code that does not run": ("```python\nraise ValueError(1)\n```\n", "1"),
    "a machine that is not ours": (
        "```mermaid\nstateDiagram-v2\n  queued --> asleep\n```\n",
        "draws no machine of ours",
    ),
    "a reason that is none": ("<!-- not run: no -->\n```sh\nsignoff serve\n```\n", "say why it is not run"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_wrong_in_a_document_fails(
    name: str, tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the message names the place."""
    text, said = WRONG[name]
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    document = tmp_path / "wrong.md"
    document.write_text(f"# Wrong\n\n{text}")
    with pytest.raises((AssertionError, ValueError)) as failed:
        await claims.read(document, reader)
    assert said in str(failed.value)


async def test_a_document_with_nothing_wrong_passes(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fragments of a policy file, continued commands, comments, saved files, output with a gap."""
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    document = tmp_path / "right.md"
    document.write_text(RIGHT)
    await claims.read(document, reader)
    assert (reader.shell.folder / "signoff.toml").read_text().startswith("agents")


RIGHT = """\
```toml
note = "Deletes {args.path}"
timeout = "1h"
```

Save this as `signoff.toml`:

```toml
agents = "agent_runtime.demo:agents"
[[policy]]
tool = "buy"
[[policy.stage]]
name = "manager"
approvers = ["usergroup:managers"]
```

1. In a list:

   ```sh
   # a comment
   signoff \\
     agents  # another
   ```

   ```text
   ...
   ...approval...gated...
   ```

<!-- not run: what another program reads -->
```ini
[Unit]
```
"""
