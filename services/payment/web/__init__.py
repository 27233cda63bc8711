"""Pages and API of payment."""

import flask
import flask_smorest

from services.payment.web import finance, pay, payments_api, webhooks

BLUEPRINTS: tuple[flask.Blueprint, ...] = (pay.blueprint, webhooks.blueprint, finance.blueprint)
APIS: tuple[flask_smorest.Blueprint, ...] = (payments_api.blueprint,)
