"""The timer over what was told before it was counted: others hear how it stands now."""

from services.payment import handlers
from services.payment.commands import TellWrongMoney
from services.payment.queries import uncounted_wrong_money
from shared.messaging.failures import passing_over
from shared.messaging.subscriptions import TimerContext

_MOST_PER_RUN = 500


def tell_uncounted_money(ctx: TimerContext) -> None:
    """Tell each booking's wrong money once with a revision: an older release did not tell when it went back."""
    with ctx.transactions.read() as session:
        found = uncounted_wrong_money(session, limit=_MOST_PER_RUN)
    for booking_id in found:
        with passing_over("wrong_money_untold", booking_id=str(booking_id)), ctx.transactions.begin() as tx:
            handlers.tell_wrong_money(TellWrongMoney(booking_id=booking_id), tx)
