"""An account that changes while somebody signs in to it."""

import importlib
from typing import Any

import pytest

from services.enrollment import handlers
from services.enrollment.commands import CloseStaff
from services.enrollment.tasks import WrongCredentials
from shared.auth.principal import Principal
from tests.component.enrollment.shop import Shop
from tests.component.enrollment.staff_room import enter, hire, refused

# The package gives the function the name of its module.
sign_in_module = importlib.import_module("services.enrollment.tasks.sign_in")


@pytest.mark.parametrize("moment", ["while the password is judged", "after the account was looked at again"])
def test_a_change_in_the_middle_of_a_sign_in_lets_nobody_in(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    hire(shop)

    def close() -> None:
        with shop.service.transactions.begin() as tx:
            handlers.close_staff(CloseStaff(email="ops@example.com"), tx)

    if moment == "while the password is judged":
        fits = sign_in_module.password_fits

        def judged(*given: Any) -> bool:
            close()
            return bool(fits(*given))

        monkeypatch.setattr(sign_in_module, "password_fits", judged)
        with pytest.raises(WrongCredentials):
            enter(shop)
    else:
        issue = Principal.sign_in

        def issued(**given: Any) -> Principal:
            close()
            return issue(**given)

        monkeypatch.setattr(Principal, "sign_in", issued)
        assert refused(shop, enter(shop))
