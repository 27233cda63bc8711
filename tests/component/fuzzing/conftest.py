"""The site that is asked, and whoever asks: the same world as the authorization matrix."""

from tests.component.authorization.conftest import world

__all__ = ["world"]
