"""Enrollment: courses, workshops, seats, attendance, and who works here.

Owns: course, workshop, block, booking (held → confirmed | expired | unseated), enrollment, attendee,
attendance, assessment, staff. It alone writes the staff cookie and issues links.

Publishes: booking.placed, booking.extended, booking.confirmed, booking.expired, booking.unseated,
enrollment.assessed, workshop.completed, staff.session_ended, staff.changed.

Reacts to: checkout.opened (moves a hold's end), payment.* and dispute.* (confirm the seats; progress),
membership.* and certificate.* (progress), and its own booking.placed, booking.confirmed and
booking.unseated (mail).
"""
