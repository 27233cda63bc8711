"""The guard every view wears: exactly one of `@public`, `@staff`, `@link`, right below the route.

Deny by default: the web kernel refuses to start with a view that wears none, and a test reads the
declarations through `access_of`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal, TypeVar, cast

from flask import current_app, g, request

from shared.auth.links import LinkSigner
from shared.auth.principal import Principal
from shared.auth.staff_cookie import StaffCookie
from shared.errors import Forbidden, Unauthenticated

F = TypeVar("F", bound=Callable[..., Any])

_DECLARATION = "__rostrum_access__"
_EXTENSION = "rostrum-auth"


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may call a view. `why` says why it is public, `purpose` which links open it."""

    kind: Literal["public", "staff", "link"]
    roles: frozenset[str] = field(default_factory=frozenset)
    purpose: str | None = None
    why: str | None = None


@dataclass(frozen=True, kw_only=True)
class Authenticator:
    """What the guards need to know; the web kernel puts one into each app."""

    cookie: StaffCookie
    links: LinkSigner
    is_refused: Callable[[Principal], bool]

    def install(self, app: Any) -> None:
        """Make this the app's authenticator."""
        app.extensions[_EXTENSION] = self


def authenticator() -> Authenticator:
    """The present app's authenticator."""
    return cast(Authenticator, current_app.extensions[_EXTENSION])


def access_of(view: Callable[..., Any]) -> Access | None:
    """What a view declares; None when it declares nothing."""
    return cast("Access | None", getattr(view, _DECLARATION, None))


def public(why: str) -> Callable[[F], F]:
    """Anybody may call this view; say why."""
    if not why:
        raise ValueError("@public needs a reason")
    return lambda view: _declare(view, view, Access(kind="public", why=why))


def staff(*roles: str) -> Callable[[F], F]:
    """Staff with one of `roles` may call this view; `current_staff()` tells who does."""
    if not roles:
        raise ValueError("@staff needs at least one role")
    allowed = frozenset(roles)

    def guard(view: F) -> F:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not current_staff().has_role(allowed):
                raise Forbidden(
                    "role_missing", f"This page is for {_either(sorted(allowed))}. Ask an administrator."
                )
            return view(*args, **kwargs)

        return cast(F, _declare(view, guarded, Access(kind="staff", roles=allowed)))

    return guard


def link(purpose: str) -> Callable[[F], F]:
    """Whoever holds a genuine link for `purpose` may call this view.

    The route names `<token>`; the view gets `link: Link` in its place and compares the version itself,
    because only it knows where its copy is.
    """

    def guard(view: F) -> F:
        @wraps(view)
        def guarded(*args: Any, token: str, **kwargs: Any) -> Any:
            kwargs["link"] = authenticator().links.verify(purpose, token)
            return view(*args, **kwargs)

        return cast(F, _declare(view, guarded, Access(kind="link", purpose=purpose)))

    return guard


def signed_in() -> Principal | None:
    """Who is signed in, if anybody: the cookie is genuine, young enough and not refused."""
    if "rostrum_staff" not in g:
        auth = authenticator()
        principal = auth.cookie.read(request.cookies)
        if principal is not None and auth.is_refused(principal):
            principal = None
        g.rostrum_staff = principal
    return cast("Principal | None", g.rostrum_staff)


def current_staff() -> Principal:
    """The staff member who asks; raises `Unauthenticated`."""
    principal = signed_in()
    if principal is None:
        raise Unauthenticated("sign_in", "Sign in, then try again.")
    return principal


def _declare(view: Callable[..., Any], guarded: Callable[..., Any], access: Access) -> Any:
    if access_of(view) is not None:
        raise TypeError(f"{view.__qualname__} wears two access guards; one says who may call it")
    setattr(guarded, _DECLARATION, access)
    return guarded


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
