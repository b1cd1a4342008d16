"""The Web API over HTTP: decoding of arguments, tokens, scopes, faults, envelope and headers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.workspace.errors import ApiError
from bot.workspace.faults import Fault, Faults
from bot.workspace.methods import METHODS, Call, Method
from bot.workspace.methods.registry import require_scope
from bot.workspace.mint import ALNUM, HEX
from bot.workspace.shapes import Json, slack_json
from bot.workspace.world import World

BODY_LIMIT = 20 * 1024 * 1024


@dataclass
class ApiCall:
    """One call the app made, for asserts. `status` is 0 while it runs and after a dropped connection."""

    method: str
    args: Json
    token: str | None
    at: datetime
    status: int = 0
    answer: Json | None = None
    committed: bool = False
    """Whether the method took effect, whatever the app was told."""

    @property
    def ok(self) -> bool:
        return bool(self.answer and self.answer.get("ok"))


@dataclass(frozen=True)
class Decoded:
    """The arguments of a request, its token, and the warning its encoding earned."""

    args: Json
    token: str | None
    warning: str | None = None


class WebApi:
    """Answers `/api/METHOD`. Every call is logged in `calls`."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        self.calls: list[ApiCall] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request: decode, meet a planned fault, perform, answer."""
        name = request.match_info["method"]
        try:
            decoded = await decode(request)
        except ApiError as error:
            return self._respond(refusal(error), None)
        call = ApiCall(name, decoded.args, decoded.token, self.world.clock.now())
        self.calls.append(call)
        self.world.changes.happened()
        fault = self.faults.take(name, decoded.args, self.world.clock.now())
        if fault and (answer := await self._before(request, call, fault)) is not None:
            return answer
        call.answer = self.perform(name, decoded)
        call.committed = bool(call.answer["ok"])
        if fault and (answer := await self._after(request, call, fault)) is not None:
            return answer
        call.status = 200
        self.world.changes.happened()
        return self._respond(call.answer, METHODS.get(name))

    def perform(self, name: str, decoded: Decoded) -> Json:
        """The answer to a call, as Slack checks it: method, token, scopes, arguments, resource."""
        found = METHODS.get(name)
        try:
            if found is None:
                raise ApiError("unknown_method", req_method=name)
            self._check_token(found, decoded.token)
            for scope in found.scopes:
                require_scope(self.world, scope)
            answer = {"ok": True, **found.handler(Call(self.world, decoded.args))}
        except ApiError as error:
            answer = refusal(error)
        return with_warning(answer, decoded.warning)

    def _check_token(self, found: Method, token: str | None) -> None:
        app = self.world.app
        if found.caller == "anyone":
            return
        if not token:
            raise ApiError("not_authed")
        if token not in (app.bot_token, app.app_token):
            raise ApiError("invalid_auth")
        if app.revoked:
            raise ApiError(app.revoked)
        if token != (app.app_token if found.caller == "app" else app.bot_token):
            raise ApiError("not_allowed_token_type")

    async def _before(self, request: web.Request, call: ApiCall, fault: Fault) -> web.StreamResponse | None:
        if fault.delay and fault.when == "before":
            await asyncio.sleep(fault.delay)
        if fault.hang == "before":
            await fault.hold()
        if fault.drop == "before":
            return self._drop(request)
        return self._failed(call, fault) if fault.when == "before" else None

    async def _after(self, request: web.Request, call: ApiCall, fault: Fault) -> web.StreamResponse | None:
        self.world.changes.happened()
        if fault.delay and fault.when == "after":
            await asyncio.sleep(fault.delay)
        if fault.hang == "after":
            await fault.hold()
        if fault.drop == "after":
            return self._drop(request)
        return self._failed(call, fault) if fault.when == "after" else None

    def _failed(self, call: ApiCall, fault: Fault) -> web.StreamResponse | None:
        if fault.status == 429:
            call.status, call.answer = 429, {"ok": False, "error": "ratelimited"}
            headers = {"retry-after": str(fault.retry_after if fault.retry_after is not None else 30)}
            return self._respond(call.answer, None, status=429, headers=headers)
        if fault.status is not None:
            call.status = fault.status
            return web.Response(status=fault.status, text="<html>Something went wrong</html>", content_type="text/html")
        if fault.error is not None:
            call.status, call.answer = 200, {"ok": False, "error": fault.error}
            return self._respond(call.answer, METHODS.get(call.method))
        return None

    def _drop(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _respond(
        self, answer: Json, found: Method | None, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> web.Response:
        sent = {
            "Content-Type": "application/json; charset=utf-8",
            "x-slack-req-id": self.world.mint.chars(HEX, 32),
            "x-slack-unique-id": self.world.mint.chars(ALNUM, 27),
            "cache-control": "private, no-cache, no-store, must-revalidate",
            "x-content-type-options": "nosniff",
        }
        if found is not None and found.caller == "bot":
            sent["x-oauth-scopes"] = ",".join(sorted(self.world.app.scopes))
            if found.scopes:
                sent["x-accepted-oauth-scopes"] = ",".join(found.scopes)
        if not answer["ok"]:
            sent["x-slack-failure"] = answer["error"]
        return web.Response(status=status, body=slack_json(answer).encode(), headers=sent | (headers or {}))


def refusal(error: ApiError) -> Json:
    """The answer that tells of an error."""
    return {"ok": False, "error": error.code, **error.extra}


def with_warning(answer: Json, warning: str | None) -> Json:
    """The answer with a warning about the request's encoding added."""
    if warning is None:
        return answer
    codes = [code for code in (answer.get("warning"), warning) if code]
    metadata = {**answer.get("response_metadata", {}), "warnings": codes}
    return answer | {"warning": ",".join(codes), "response_metadata": metadata}


async def decode(request: web.Request) -> Decoded:
    """Query, form, multipart or JSON, merged. The token comes from the header or a form field, never elsewhere."""
    args: Json = dict(request.query)
    args.pop("token", None)
    token = _bearer(request)
    if not request.can_read_body:
        return Decoded(args, token)
    kind = request.content_type
    if kind == "application/json":
        args |= _json_object(await request.read())
        args.pop("token", None)
        return Decoded(args, token, None if request.charset else "missing_charset")
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain"):
        raise ApiError("invalid_post_type")
    form: dict[str, Any] = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    token = token or form.get("token")
    form.pop("token", None)
    superfluous = request.charset and kind == "application/x-www-form-urlencoded"
    return Decoded(args | form, token, "superfluous_charset" if superfluous else None)


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _json_object(text: bytes) -> Json:
    try:
        value = json.loads(text.decode()) if text.strip() else {}
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(value, dict):
        raise ApiError("json_not_object")
    return value
