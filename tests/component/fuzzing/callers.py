"""Everybody who may ask, with what they carry."""

from typing import Any

from shared.web.csrf import HEADER
from tests.component.authorization.asking import COOKIE, Asking
from tests.component.authorization.table import STAFF
from tests.component.authorization.world import World
from tests.component.fuzzing.fuzz import Found, fuzz


def asks(world: World, service: str, caller: str, *, examples: int, **more: Any) -> Found:
    """What one caller finds at one service."""
    asking = Asking(world, service)
    headers: dict[str, str] = {}
    cookies: dict[str, str] = {}
    if caller in STAFF:
        cookies[COOKIE] = world.authenticator(service).cookie.issue(world.principal(caller))
        headers[HEADER], cookies = asking.form_token(cookies)
    elif caller in world.tokens:
        headers["X-Link-Token"] = world.tokens[caller]["certificate"]
    known = {name: list(values.values()) for name, values in world.values.items()}
    known["token"] = [tokens["booking"] for tokens in world.tokens.values()]
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return fuzz(world.apps[service], headers=headers, cookie=cookie, known=known, examples=examples, **more)
