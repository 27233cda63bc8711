"""Pages and API of payment."""

import flask
import flask_smorest

BLUEPRINTS: tuple[flask.Blueprint, ...] = ()
APIS: tuple[flask_smorest.Blueprint, ...] = ()
