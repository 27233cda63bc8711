"""Accounts and sessions of staff."""

import importlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from services.enrollment import handlers, queries, tasks
from services.enrollment.commands import (
    AccreditTrainer,
    AddStaff,
    ChangeRoles,
    CloseStaff,
    EndSession,
    PublishWorkshop,
    SetPassword,
)
from services.enrollment.domain import LoginThrottle
from services.enrollment.domain.staff import LOGIN_ATTEMPTS, account_key
from services.enrollment.tasks import TooManyAtOnce, TooManyAttempts, WrongCredentials
from services.enrollment.tasks import passwords as password_module
from shared.contracts.enrollment import StaffChanged, StaffSessionEnded
from shared.db.transaction import Tx
from shared.errors import Conflict, Invalid, NotFound
from shared.messaging.subscriptions import TimerContext
from tests.component.enrollment.browser import Browser
from tests.component.enrollment.shop import Shop
from tests.component.enrollment.staff_room import PASSWORD, enter, hash_of, hire, refused

# The package gives the function the name of its module.
sign_in_module = importlib.import_module("services.enrollment.tasks.sign_in")


def test_the_right_password_opens_a_new_session(shop: Shop) -> None:
    hire(shop)
    first, second = enter(shop), enter(shop, email=" OPS@example.com ")
    assert first.roles == {"ops"}
    assert first.session_id != second.session_id
    with shop.service.transactions.read() as session:
        account = queries.account_by_email(session, "ops@example.com")
    assert account is not None
    assert PASSWORD not in account.password_hash
    assert account.password_hash.startswith("$argon2id$")
    assert account.password_hash not in repr(account)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ops@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("", ""),
        ("ops@example.com", "x" * 5000),
    ],
)
def test_what_is_wrong_is_not_said(shop: Shop, email: str, password: str) -> None:
    hire(shop)
    with pytest.raises(WrongCredentials, match="address or the password"):
        enter(shop, email, password)


def test_an_unknown_account_costs_as_much_as_a_known_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    hire(shop)
    verified: list[str] = []
    hasher = password_module._HASHER

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            verified.append(stored.rsplit("$", 2)[0])
            return hasher.verify(stored, password)

        def hash(self, password: str) -> str:
            return hasher.hash(password)

    monkeypatch.setattr(password_module, "_HASHER", Counting())
    for email in ("ops@example.com", "nobody@example.com"):
        with pytest.raises(WrongCredentials):
            enter(shop, email, "wrong")
    assert len(verified) == 2
    assert verified[0] == verified[1]


@pytest.mark.parametrize("email", ["ops@example.com", "nobody@example.com"])
def test_the_sixth_attempt_within_a_minute_waits(shop: Shop, email: str) -> None:
    hire(shop)
    for _ in range(LOGIN_ATTEMPTS):
        with pytest.raises(WrongCredentials):
            enter(shop, email, "wrong")
    with pytest.raises(TooManyAttempts) as refused_with:
        enter(shop, email)
    assert 20 <= refused_with.value.retry_after <= 60
    hire(shop, "finance@example.com", ("finance",))
    assert enter(shop, "finance@example.com").roles == {"finance"}


def test_signing_in_often_locks_nobody_out_and_wipes_no_failure(shop: Shop) -> None:
    hire(shop)
    for _ in range(LOGIN_ATTEMPTS - 1):
        with pytest.raises(WrongCredentials):
            enter(shop, password="wrong")
    for _ in range(LOGIN_ATTEMPTS + 2):
        enter(shop)
    with pytest.raises(WrongCredentials):
        enter(shop, password="wrong")
    with pytest.raises(TooManyAttempts):
        enter(shop)


def test_a_burst_of_sign_ins_leaves_threads_to_the_buyers(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(shop)
    judging, go_on, ended = threading.Semaphore(0), threading.Event(), []
    hasher = password_module._HASHER

    class Slow:
        def verify(self, stored: str, password: str) -> bool:
            judging.release()
            assert go_on.wait(20)
            return hasher.verify(stored, password)

    monkeypatch.setattr(password_module, "_HASHER", Slow())
    threads = [
        threading.Thread(target=lambda: ended.append(enter(shop).roles))
        for _ in range(sign_in_module.AT_ONCE)
    ]
    for thread in threads:
        thread.start()
        assert judging.acquire(timeout=20)
    before = shop.count("login_throttle")
    with pytest.raises(TooManyAtOnce):
        enter(shop, "somebody@example.com")
    assert shop.count("login_throttle") == before, "it was not even counted"
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert ended == [{"ops"}] * sign_in_module.AT_ONCE
    assert enter(shop).roles == {"ops"}


def test_old_attempts_are_forgotten(shop: Shop) -> None:
    for email in ("old@example.com", "new@example.com"):
        with pytest.raises(WrongCredentials):
            enter(shop, email)
    with shop.service.engine.begin() as connection:
        connection.execute(
            update(LoginThrottle)
            .where(LoginThrottle.account_key == account_key("old@example.com"))
            .values(last_attempt_at=datetime.now(UTC) - timedelta(minutes=61))
        )
    service = shop.service
    tasks.forget_logins(TimerContext(service=service, transactions=service.transactions, clock=shop.clock))
    assert shop.count("login_throttle") == 1


def test_signing_out_refuses_the_session_everywhere(shop: Shop) -> None:
    hire(shop)
    mine, other = enter(shop), enter(shop)
    with shop.service.transactions.begin() as tx:
        handlers.end_session(EndSession(staff_id=mine.staff_id, session_id=mine.session_id), tx)
    assert refused(shop, mine)
    assert not refused(shop, other)
    (event,) = shop.said(StaffSessionEnded)
    assert (event.staff_id, event.session_id) == (mine.staff_id, mine.session_id)


def test_an_ended_session_does_not_come_in(shop: Shop) -> None:
    workshop_id = shop.plan()
    browser = Browser(shop, staff_id=shop.trainer_id)
    address = f"/enrollment/api/workshops/{workshop_id}/completion"
    assert browser.client.post(address, headers=browser.headers).status_code == 409
    with shop.service.transactions.begin() as tx:
        handlers.end_session(
            EndSession(staff_id=shop.trainer_id, session_id=browser.principal.session_id), tx
        )
    assert browser.client.post(address, headers=browser.headers).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        lambda tx: handlers.set_password(
            SetPassword(email="ops@example.com", password_hash=hash_of("other quiet words")), tx
        ),
        lambda tx: handlers.change_roles(ChangeRoles(email="ops@example.com", roles=("ops", "finance")), tx),
        lambda tx: handlers.close_staff(CloseStaff(email="ops@example.com"), tx),
    ],
    ids=["password", "roles", "close"],
)
def test_a_change_ends_all_sessions(shop: Shop, change: Callable[[Tx], None]) -> None:
    hire(shop)
    before = enter(shop)
    with shop.service.transactions.begin() as tx:
        change(tx)
    assert refused(shop, before)
    (event,) = shop.said(StaffChanged)
    assert event.staff_id == before.staff_id
    # Sessions live in real time, whatever the business clock says.
    assert abs(event.changed_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_same_roles_again_change_nothing(shop: Shop) -> None:
    hire(shop)
    with shop.service.transactions.begin() as tx:
        handlers.change_roles(ChangeRoles(email="ops@example.com", roles=("ops",)), tx)
    assert shop.said(StaffChanged) == []


def test_a_closed_account_stays_out_and_keeps_its_name(shop: Shop) -> None:
    hire(shop)
    with shop.service.transactions.begin() as tx:
        handlers.close_staff(CloseStaff(email="ops@example.com"), tx)
    with pytest.raises(WrongCredentials):
        enter(shop)
    with pytest.raises(NotFound), shop.service.transactions.begin() as tx:
        handlers.set_password(SetPassword(email="ops@example.com", password_hash="x"), tx)
    with shop.service.transactions.read() as session:
        rows = queries.staff_list(session)
    assert [(row.name, row.closed_at is not None) for row in rows] == [
        ("Mira Lindqvist", False),
        ("Noor Haddad", True),
    ]


def test_accounts_that_cannot_be(shop: Shop) -> None:
    hire(shop)
    with pytest.raises(Conflict):
        hire(shop, "OPS@example.com")
    with pytest.raises(Invalid) as wrong, shop.service.transactions.begin() as tx:
        handlers.add_staff(
            AddStaff(email="x", name="a\nb", roles=("boss",), teaches=("XYZ",), password_hash="x"), tx
        )
    assert set(wrong.value.fields) == {"email", "name", "roles", "teaches"}
    for password in ("short", "x" * 201):
        with pytest.raises(Invalid):
            tasks.hash_password(password)


def test_accreditation_decides_who_may_teach(shop: Shop) -> None:
    workshop_id = shop.plan(publish=False)
    with shop.service.transactions.begin() as tx:
        handlers.accredit_trainer(AccreditTrainer(email="trainer@example.com", teaches=("CSM",)), tx)
    with pytest.raises(Conflict, match="accredited"), shop.service.transactions.begin() as tx:
        handlers.publish_workshop(PublishWorkshop(workshop_id=workshop_id), tx)
