"""Certification: from a paid and attended workshop to the Scrum Alliance membership and the certificate.

Owns the join of the three facts (seat, coverage, assessment), the activation, its submissions and
corrections, and the certificate. Publishes membership.activation_requested, .submitted, .activated and
.activation_failed, certificate.issued and certificate.held. Reacts to the booking's and the assessment's
events of enrollment, to the coverage facts of payment, and to its own activation request.
"""
