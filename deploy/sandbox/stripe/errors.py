"""Errors in Stripe's envelope."""

from typing import Any

INVALID_REQUEST = "invalid_request_error"
NOT_IMPLEMENTED = "sandbox_not_implemented"


class ApiError(Exception):
    """An answer other than 200, with the members of Stripe's error object."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = INVALID_REQUEST,
        code: str | None = None,
        param: str | None = None,
        should_retry: bool | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.should_retry = should_retry
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The error envelope; absent members are left out, as Stripe does."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind}
        if self.code is not None:
            error["code"] = self.code
            if self.code != NOT_IMPLEMENTED:
                error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param is not None:
            error["param"] = self.param
        return {"error": error}


def missing_resource(what: str, resource_id: str, *, param: str = "id", status: int = 404) -> ApiError:
    """There is no such object; 404 when the path named it, 400 when a parameter did."""
    return ApiError(status, f"No such {what}: '{resource_id}'", code="resource_missing", param=param)


def not_implemented(what: str, *, param: str | None = None) -> ApiError:
    """Stripe can do this, the sandbox cannot: said aloud, and never worth a retry."""
    message = f"The Stripe sandbox does not implement {what}."
    return ApiError(501, message, kind="api_error", code=NOT_IMPLEMENTED, param=param, should_retry=False)
