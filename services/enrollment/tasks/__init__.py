"""Steps outside a transaction: letters, the end of holds, signing in, example data."""

from services.enrollment.tasks.letters import (
    Correspondence,
    send_confirmation_with,
    send_hold_with,
    send_regret_with,
)
from services.enrollment.tasks.passwords import hash_password
from services.enrollment.tasks.seed import SANDBOX_PASSWORD, seed
from services.enrollment.tasks.sign_in import (
    Credentials,
    TooManyAtOnce,
    TooManyAttempts,
    WrongCredentials,
    sign_in,
)
from services.enrollment.tasks.timers import check_seats, end_holds, forget_logins

__all__ = [
    "SANDBOX_PASSWORD",
    "Correspondence",
    "Credentials",
    "TooManyAtOnce",
    "TooManyAttempts",
    "WrongCredentials",
    "check_seats",
    "end_holds",
    "forget_logins",
    "hash_password",
    "seed",
    "send_confirmation_with",
    "send_hold_with",
    "send_regret_with",
    "sign_in",
]
