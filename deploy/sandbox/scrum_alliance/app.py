"""The sandbox as one Flask application."""

from flask import Flask

from deploy.sandbox.look import dress
from deploy.sandbox.scrum_alliance import api, control, pages
from deploy.sandbox.scrum_alliance.config import ScrumAllianceConfig
from deploy.sandbox.scrum_alliance.sandbox import EXTENSION, Sandbox, sandbox_of


def create_app(config: ScrumAllianceConfig) -> Flask:
    """The application. Letters need `start_background(app)` in the process that serves it."""
    app = Flask("deploy.sandbox.scrum_alliance", static_folder=None)
    app.extensions[EXTENSION] = Sandbox(config)
    dress(
        app,
        title="Scrum Alliance sandbox",
        notice="A stand-in for the Scrum Alliance: nobody is certified here.",
    )
    app.register_blueprint(api.blueprint)
    app.register_blueprint(control.blueprint)
    app.register_blueprint(pages.blueprint)
    return app


def start_background(app: Flask) -> None:
    """Start sending letters."""
    sandbox_of(app).start()


def stop(app: Flask) -> None:
    """Stop sending letters and close the state file."""
    sandbox_of(app).stop()
