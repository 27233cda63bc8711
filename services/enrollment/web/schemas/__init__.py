"""What callers send and get: strict on the way in, the same for forms and for the API."""

from services.enrollment.web.schemas.bookings import (
    BookingSchema,
    KeptBookingSchema,
    PlaceBookingSchema,
    PlacedBookingSchema,
)
from services.enrollment.web.schemas.people import BookingDetailsSchema
from services.enrollment.web.schemas.workshops import CompletionSchema, WorkshopListSchema, WorkshopPageSchema

__all__ = [
    "BookingDetailsSchema",
    "BookingSchema",
    "CompletionSchema",
    "KeptBookingSchema",
    "PlaceBookingSchema",
    "PlacedBookingSchema",
    "WorkshopListSchema",
    "WorkshopPageSchema",
]
