"""Payment: what is owed for a booking, what came in and went out again, and whom it covers.

Owns: booking account (what finance sees of one booking), payable, checkout session, payment, refund,
dispute, coverage. Publishes: `checkout.opened`, `payment.confirmed`, `payment.refunded`,
`payment.disputed`, `dispute.closed`, `payment.failed`, `payment.expired`.
Reacts to: a placed booking (opens the payable), more time for it, its confirmation, its expiry (closes the
payment page), an unseated late payment (owes it back), assessments and submissions (to list who waits too long), and
to Stripe's webhooks.
"""
