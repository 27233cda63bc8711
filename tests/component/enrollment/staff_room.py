"""Accounts with real passwords, and signing in to them."""

from functools import cache

from services.enrollment import handlers, tasks
from services.enrollment.commands import AddStaff
from services.enrollment.tasks import Credentials
from shared.auth.principal import Principal
from shared.auth.refusals import is_refused
from tests.component.enrollment.shop import Shop

PASSWORD = "a few quiet words"


@cache
def hash_of(password: str) -> str:
    """Made once: it is slow on purpose."""
    return tasks.hash_password(password)


def hire(shop: Shop, email: str = "Ops@Example.com", roles: tuple[str, ...] = ("ops",)) -> None:
    """An account with a real password."""
    password_hash = hash_of(PASSWORD)
    with shop.service.transactions.begin() as tx:
        handlers.add_staff(
            AddStaff(email=email, name="Noor Haddad", roles=roles, password_hash=password_hash), tx
        )


def enter(shop: Shop, email: str = "ops@example.com", password: str = PASSWORD) -> Principal:
    """Sign in."""
    return tasks.sign_in(Credentials(email=email, password=password), shop.service.transactions)


def refused(shop: Shop, principal: Principal) -> bool:
    """Whether the cookie of that session is refused here."""
    with shop.service.transactions.read() as session:
        return is_refused(session, principal)
