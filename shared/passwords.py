"""Passwords between the containers of one site: part of addresses, and nothing of the sandbox in production."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from shared.config import SANDBOX_SECRET

_PART_OF_AN_ADDRESS = re.compile(r"[A-Za-z0-9_-]+")


def unfit_passwords(environ: Mapping[str, str]) -> dict[str, list[str]]:
    """What is wrong with the passwords of an environment (`…_PASSWORD`), by variable."""
    problems = {}
    for variable, value in environ.items():
        if not variable.endswith("_PASSWORD"):
            continue
        if _is_production(environ) and "sandbox" in value:
            problems[variable] = [SANDBOX_SECRET]
        elif not _PART_OF_AN_ADDRESS.fullmatch(value):
            problems[variable] = ["may have letters, digits, - and _ only: it becomes part of an address."]
    return problems


def with_sandbox_password(urls: Mapping[str, str], environ: Mapping[str, str]) -> list[str]:
    """The variables whose address holds a password of the sandbox where production is meant."""
    if not _is_production(environ):
        return []
    return [variable for variable, url in urls.items() if "sandbox" in (urlsplit(url).password or "")]


def _is_production(environ: Mapping[str, str]) -> bool:
    return environ.get("ROSTRUM_MODE", "production") != "sandbox"
