"""Enrollment's pages and API."""

from flask import Blueprint
from flask_smorest import Blueprint as ApiBlueprint

from services.enrollment.web import (
    api_bookings,
    api_workshops,
    bookings,
    catalogue,
    checkout,
    landing,
    planning,
    staff,
    trainer,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    landing.blueprint,
    catalogue.blueprint,
    checkout.blueprint,
    bookings.blueprint,
    staff.blueprint,
    planning.blueprint,
    trainer.blueprint,
)
"""The HTML pages."""

APIS: tuple[ApiBlueprint, ...] = (api_workshops.api, api_bookings.api)
"""The API, mounted at `/enrollment/api`."""
