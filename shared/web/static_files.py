"""Each service serves its own copy of the shared assets, under names that hold a hash of the content.

Such a name never means anything else, so browsers and proxies keep it for a year without asking.
"""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Flask, Response, request, url_for
from werkzeug.security import safe_join

from shared.auth.guards import public
from shared.errors import NotFound

_SHARED = Path(__file__).parent / "static"
_TEXT = {"text/css", "text/javascript", "application/javascript", "image/svg+xml", "application/json"}
_YEAR = 31_536_000
_VERSION = re.compile(r"[0-9a-f]{12}|missing")


def _inside_package(package: str, folder: str) -> Path:
    # find_spec does not import the package: only its files are wanted.
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / folder


class StaticFiles:
    """Where a name below `/<service>/static/` is found: the service's own, ours, then the packages'."""

    def __init__(self, own: Path) -> None:
        self._folders = (own, _SHARED)
        self._packages: Mapping[str, Path] = {
            "swagger-ui": _inside_package("flask_swagger_ui", "dist"),
        }

    def find(self, filename: str) -> Path | None:
        """The file of that name, if there is one."""
        package, _, rest = filename.partition("/")
        candidates = [(folder, filename) for folder in self._folders]
        if package in self._packages:
            candidates.append((self._packages[package], rest))
        for folder, name in candidates:
            path = safe_join(str(folder), name)
            if path is not None and Path(path).is_file():
                return Path(path)
        return None

    def version(self, filename: str) -> str:
        """Changes when the content does."""
        path = self.find(filename)
        return _digest(path, path.stat().st_mtime_ns) if path is not None else "missing"

    def answer(self, filename: str) -> Response:
        """The file, gzipped where the browser takes it: nothing else compresses in the embedded site."""
        version, _, rest = filename.partition("/")
        path = self.find(rest) if _VERSION.fullmatch(version) else None
        hashed = path is not None and version == _digest(path, path.stat().st_mtime_ns)
        if path is None:
            path = self.find(filename)
        if path is None:
            raise NotFound("no_such_file", "There is no such file.")
        modified = path.stat().st_mtime_ns
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        squeeze = kind in _TEXT and request.accept_encodings.quality("gzip") > 0
        response = Response(_gzipped(path, modified) if squeeze else path.read_bytes(), mimetype=kind)
        if kind in _TEXT:
            response.vary.add("Accept-Encoding")
        if squeeze:
            response.content_encoding = "gzip"
        # An older name leads to the file of today: a page that was open during an update still gets one.
        caching = f"public, max-age={_YEAR}, immutable" if hashed else "public, no-cache"
        response.headers["Cache-Control"] = caching
        response.set_etag(_digest(path, modified) + ("-gz" if squeeze else ""))
        response.make_conditional(request)
        return response


@lru_cache(maxsize=64)
def _gzipped(path: Path, modified: int) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)


@lru_cache(maxsize=256)
def _digest(path: Path, modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def asset(filename: str) -> str:
    """The address of a static file, with its version."""
    return url_for("static", filename=filename)


def install_static_files(app: Flask, service_name: str, own: Path) -> None:
    """Serve below `/<service>/static/<hash>/`; `url_for("static", …)` adds the hash."""
    files = StaticFiles(own)

    @public("looks, no data")
    def static(filename: str) -> Response:
        return files.answer(filename)

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "filename" in values:
            values["filename"] = f"{files.version(values['filename'])}/{values['filename']}"

    app.add_url_rule(f"/{service_name}/static/<path:filename>", "static", static)
    app.url_defaults(add_version)
