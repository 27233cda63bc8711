"""Outside systems of payment: Stripe."""
