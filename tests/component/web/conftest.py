"""A tiny service, its web app and a browser, to try the web kernel without any of the real ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.service import Service
from shared.web.app import create_web
from tests.support.demo_service import demo_service, write_templates


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """The demo service on a fresh database."""
    write_templates(tmp_path)
    service = demo_service(tmp_path)
    yield service
    service.engine.dispose()


@pytest.fixture
def app(service: Service, tmp_path: Path) -> Flask:
    """Its web app."""
    return create_web(service, folder=tmp_path)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser."""
    return app.test_client()
