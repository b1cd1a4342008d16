"""The page is for this machine and for itself: other sites in the same browser get nothing out of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace, page
from tests.page_routes.conftest import Browser

READ = ["/", "/page/app.js", "/page/shell.css", "/control/look?person=ana", "/control/stream", "/control/state"]
READ += ["/control/calls", "/control/deliveries", "/control/problems", "/control/file?person=ana&file=F1"]
CHANGED = ["act", "fail", "heal", "limit", "app", "retries", "channel", "clock"]


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "signoff.example.com"},
        {"Host": "127.0.0.1.example.com:80"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
    ],
    ids=str,
)
async def test_nothing_is_read_from_another_site(browser: Browser, path: str, headers: dict[str, str]) -> None:
    """A name that was bent to this machine, and a page that was loaded elsewhere, are refused on every route."""
    status, _, text = await browser.get(path, **headers)
    assert status == 403
    assert "Lanternworks" not in text


@pytest.mark.parametrize("path", CHANGED)
async def test_nothing_is_changed_from_another_site(browser: Browser, ws: Workspace, path: str) -> None:
    """A form or script of another site changes nothing: wrong host, wrong origin, or no JSON."""
    body = {"person": "ana", "do": "post", "text": "forged", "seconds": 60, "method": "auth.test", "name": "#general"}
    where = f"/control/{path}"
    assert await browser.post(where, body, Host="evil.example") == 403
    assert await browser.post(where, body, Origin="http://evil.example") == 403
    assert await browser.post(where, body, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert await browser.post(where, body, **{"Content-Type": "text/plain"}) == 415
    assert await browser.post(where, body, **{"Content-Type": "application/x-www-form-urlencoded"}) == 415
    assert ws.channel("#general").messages == []


async def test_the_page_itself_is_let_in(browser: Browser) -> None:
    """The headers that a browser sends from our own page, and an address typed into it, are accepted."""
    own = {"Origin": browser.ws.url, "Sec-Fetch-Site": "same-origin"}
    assert await browser.post("/control/act", {"person": "ana", "do": "post", "text": "hi"}, **own) == 200
    assert (await browser.get("/", **{"Sec-Fetch-Site": "none"}))[0] == 200
    assert (await browser.get("/", Host="localhost:7446"))[0] == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff"])
async def test_a_body_that_is_no_json_object_is_a_bad_request(browser: Browser, body: bytes) -> None:
    """Broken requests are answered with 400, not with a stack of errors."""
    assert await browser.post("/control/act", body) == 400


async def test_the_browser_is_told_to_run_our_own_files_only(browser: Browser) -> None:
    """Every file of the page carries a policy without inline code, foreign sources, frames or markup from texts."""
    for path in ("/", "/page/app.js", "/page/shell.css", "/page/icon.svg"):
        status, headers, _ = await browser.get(path)
        assert status == 200
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"


async def test_answers_are_neither_kept_nor_shared(browser: Browser) -> None:
    """What a person sees is in no cache, and no other site may embed it."""
    _, headers, _ = await browser.get("/control/look?person=ana")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/page/../page.py", "/page/%2e%2e/page.py", "/page//etc/passwd", "/page/", "/page"])
async def test_only_the_pages_files_are_served(browser: Browser, path: str) -> None:
    """No path leads out of the folder."""
    assert (await browser.get(path))[0] == 404


def test_no_text_becomes_markup_and_nothing_comes_from_elsewhere() -> None:
    """The page's files hold no way to make markup of a text, no inline code, and no address of anybody else."""
    scripts = sorted(page.FILES.rglob("*.js"))
    assert len(scripts) > 10
    for script in scripts:
        code = script.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", code), (
            script
        )
        assert not re.search(r"""from ["']https?:|import\(["']https?:""", code), script
    markup = (page.FILES / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:", markup)
    for sheet in page.FILES.rglob("*.css"):
        assert not re.search(r"@import|url\(", sheet.read_text()), sheet


def test_the_pages_files_stay_short() -> None:
    """A file of the page is at most 350 lines, as a module is."""
    files = [path for path in page.FILES.rglob("*") if path.suffix in page.KINDS]
    assert [path.name for path in files if len(Path(path).read_text().splitlines()) > 350] == []


async def test_a_file_is_saved_by_those_who_see_its_channel(
    browser: Browser, ws: Workspace, client: AsyncWebClient
) -> None:
    """A file's bytes go to members of a channel that has it, always as a download; nobody else finds it."""
    channel = ws.channel("#approvals").id
    await client.files_upload_v2(channel=channel, content="<script>1</script>", filename="x.html", title="x")
    file = (await browser.look("ana", "approvals"))["messages"][-1]["files"][0]["id"]
    status, headers, text = await browser.get(f"/control/file?person=ana&file={file}")
    assert (status, text) == (200, "<script>1</script>")
    assert headers["Content-Disposition"] == "attachment"
    assert headers["Content-Type"].startswith("application/octet-stream")
    assert (await browser.get(f"/control/file?person=olga&file={file}"))[0] == 404
    assert (await browser.get("/control/file?person=ana&file=F0NOTHING"))[0] == 404
