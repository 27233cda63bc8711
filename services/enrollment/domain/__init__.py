"""Enrollment's aggregates: what they are and what may happen to them. No I/O."""

from services.enrollment.domain.attendance import Assessment, Attendance
from services.enrollment.domain.base import Base
from services.enrollment.domain.booking import Booking, BookingState, HoldPolicy
from services.enrollment.domain.course import Course
from services.enrollment.domain.enrollment import Enrollment, SeatState
from services.enrollment.domain.letter import Letter, LetterKind
from services.enrollment.domain.progress import Progress
from services.enrollment.domain.staff import LoginThrottle, Role, StaffMember
from services.enrollment.domain.workshop import Block, Delivery, Workshop, WorkshopState

__all__ = [
    "Assessment",
    "Attendance",
    "Base",
    "Block",
    "Booking",
    "BookingState",
    "Course",
    "Delivery",
    "Enrollment",
    "HoldPolicy",
    "Letter",
    "LetterKind",
    "LoginThrottle",
    "Progress",
    "Role",
    "SeatState",
    "StaffMember",
    "Workshop",
    "WorkshopState",
]
