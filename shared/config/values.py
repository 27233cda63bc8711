"""What the value of an environment variable may be, beyond what marshmallow knows."""

from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

import marshmallow
from marshmallow import fields

SHORTEST_KEY = 32


class WordList(fields.Field[tuple[str, ...]]):
    """Comma separated words, at least one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        words = tuple(word.strip() for word in str(value).split(",") if word.strip())
        if not words:
            raise marshmallow.ValidationError("Give at least one value, separated by commas.")
        return words


@runtime_checkable
class Judged(Protocol):
    """A kind whose values may be right in the sandbox and wrong in production."""

    def unfit_for_production(self, raw: str) -> str | None:
        """What is wrong with this value in production, without repeating it; None when it is right."""
        ...


class SigningKeys(WordList):
    """Keys that sign, the newest first. In production each is long enough that nobody finds it by trying."""

    def unfit_for_production(self, raw: str) -> str | None:
        """Whether one is short."""
        if min(map(len, self.deserialize(raw))) < SHORTEST_KEY:
            return f"needs random keys of at least {SHORTEST_KEY} characters each."
        return None


class Waits(WordList):
    """Comma separated numbers of seconds."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        words = super()._deserialize(value, attr, data, **kwargs)
        if not all(word.replace(".", "", 1).isdecimal() for word in words):
            raise marshmallow.ValidationError("Give numbers of seconds, separated by commas.")
        return words


class Address(fields.String):
    """The address of a server that is not HTTP, or of a file. What is wrong with it is said without repeating it."""

    def __init__(self, *schemes: str) -> None:
        super().__init__()
        self._schemes = schemes

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if not text.startswith(tuple(f"{scheme}://" for scheme in self._schemes)):
            raise marshmallow.ValidationError(
                f"Must begin with {' or '.join(f'{scheme}://' for scheme in self._schemes)}."
            )
        try:
            _ = urlsplit(text).port
        except ValueError:
            raise marshmallow.ValidationError("The port is not a number.") from None
        return text


class DatabasePerService(WordList):
    """Comma separated pairs, `service=sqlite:///…`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        words = super()._deserialize(value, attr, data, **kwargs)
        if not all(word.partition("=")[2].startswith("sqlite:///") for word in words):
            raise marshmallow.ValidationError(
                "Give pairs such as service=sqlite:///file, separated by commas."
            )
        return words


class PathField(fields.Field[Path]):
    """A path in the file system."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Path:
        return Path(str(value))
