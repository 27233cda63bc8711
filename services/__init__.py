"""The three deployables: enrollment, payment, certification."""
