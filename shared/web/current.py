"""What a view needs of the composition root, without importing it."""

from contextlib import AbstractContextManager
from typing import cast

from flask import Flask, current_app

from shared.db.transaction import Tx
from shared.service import Service

_EXTENSION = "rostrum-service"


def install_service(app: Flask, service: Service) -> None:
    """Make `service` the one that `current_service()` gives to this app's views."""
    app.extensions[_EXTENSION] = service


def current_service() -> Service:
    """The service whose web app is answering."""
    return cast(Service, current_app.extensions[_EXTENSION])


def request_tx() -> AbstractContextManager[Tx]:
    """One writing transaction for this request; leaving the block commits.

    What it publishes carries the request's correlation id.
    """
    return current_service().transactions.begin()
