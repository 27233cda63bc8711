"""Coverage is a pure function of the facts: in any order and with repetitions they mean the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.payment.domain import Books, CoverageState, DisputeState, RefundState
from tests.factories.payment_books import NOW, PRICE, SEATS, books, dispute, pay, refund

Fact = Callable[[Books], object]


@dataclass(frozen=True)
class Named:
    """A fact with a name that a failing example can show."""

    name: str
    tell: Fact

    def __repr__(self) -> str:
        return self.name


def _expire(found: Books) -> None:
    found.account.expired_at = NOW


def _confirm(found: Books) -> None:
    found.account.confirmed_at = NOW


def _unseat(found: Books) -> None:
    # Said only of a payment that has been told of, so it is known by then.
    pay(found).unseated_at = NOW


FACTS = [
    Named("paid", lambda b: pay(b)),
    Named("paid twice", lambda b: pay(b, "second", after=5)),
    Named("paid wrongly", lambda b: pay(b, "wrong", amount=PRICE - 1, after=2)),
    Named("paid in dollars", lambda b: pay(b, "dollars", currency="USD", after=3)),
    Named("refund pending", lambda b: refund(b, "r", RefundState.PENDING)),
    Named("refunded", lambda b: refund(b, "r", RefundState.SUCCEEDED)),
    Named("refund returned", lambda b: refund(b, "r", RefundState.FAILED)),
    Named("refunded in part", lambda b: refund(b, "part", RefundState.SUCCEEDED, amount=100)),
    Named("second refunded", lambda b: refund(b, "r2", RefundState.SUCCEEDED, payment="second")),
    Named("disputed", lambda b: dispute(b, "d", DisputeState.OPEN, 1)),
    Named("dispute under review", lambda b: dispute(b, "d", DisputeState.OPEN, 2)),
    Named("dispute won", lambda b: dispute(b, "d", DisputeState.WON, 3)),
    Named("dispute lost", lambda b: dispute(b, "d", DisputeState.LOST, 4)),
    Named("disputed again", lambda b: dispute(b, "d2", DisputeState.OPEN, 5)),
    Named("second disputed", lambda b: dispute(b, "d3", DisputeState.OPEN, 5, payment="second")),
    Named("hold ended", _expire),
    Named("seats confirmed", _confirm),
    Named("seats gone", _unseat),
]


def _end(facts: Sequence[Named]) -> dict[str, object]:
    """What is so after these facts, judged after every single one."""
    found = books()
    for fact in facts:
        fact.tell(found)
        found.settle(NOW)
    account = found.account
    return {
        "coverage": {c.enrollment_id: c.state for c in found.coverages},
        "payments": {p.payment_id: (p.state, p.refunded_minor, p.lost_minor) for p in found.payments},
        "account": (account.state, account.expected_minor, account.received_minor, account.attention),
        "disputes": {d.dispute_id: (d.state, d.state_at) for d in found.disputes},
    }


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_order_with_repetitions_ends_the_same(data: st.DataObject) -> None:
    chosen = data.draw(
        st.lists(st.sampled_from(FACTS), unique_by=lambda fact: fact.name, min_size=1, max_size=9)
    )
    repeated = chosen + data.draw(st.lists(st.sampled_from(chosen), max_size=5))
    shuffled = data.draw(st.permutations(repeated))

    assert _end(shuffled) == _end(chosen)


@settings(max_examples=200, deadline=None)
@given(facts=st.lists(st.sampled_from(FACTS), max_size=14))
def test_each_revision_tells_a_change_and_nothing_else(facts: list[Named]) -> None:
    found = books()
    told: dict[UUID, list[tuple[int, CoverageState]]] = {seat: [] for seat in SEATS}
    for fact in facts:
        fact.tell(found)
        for coverage in found.settle(NOW):
            told[coverage.enrollment_id].append((coverage.revision, coverage.state))
    for history in told.values():
        assert [revision for revision, _ in history] == list(range(1, len(history) + 1))
        following = [CoverageState.UNCOVERED, *(state for _, state in history)]
        assert all(before is not after for before, after in pairwise(following))
