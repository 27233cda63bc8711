"""What enrollment can be asked to do: one frozen dataclass per command, its handler of the same name."""

from services.enrollment.commands.assessments import (
    BlockMinutes,
    CompleteWorkshop,
    CorrectAssessment,
    Decision,
    MarkEveryonePresent,
    RecordAttendance,
    RecordDecisions,
)
from services.enrollment.commands.bookings import (
    ConfirmBooking,
    EndHold,
    ExtendHold,
    KeepSeatsLonger,
    PlaceBooking,
    RecordPaymentProblem,
    RenewLinks,
)
from services.enrollment.commands.letters import (
    RecordLetter,
    WantLetters,
)
from services.enrollment.commands.progress import (
    CoverageNews,
    RecordCertificate,
    RecordCoverage,
    RecordMembership,
)
from services.enrollment.commands.staff import (
    AccreditTrainer,
    AddStaff,
    AdmitLogin,
    ChangeRoles,
    CloseStaff,
    ConfirmLogin,
    EndSession,
    ForgetLogins,
    SetPassword,
)
from services.enrollment.commands.workshops import (
    BlockPlan,
    CancelWorkshop,
    CreateWorkshop,
    EnsureCourses,
    MendSeats,
    PublishWorkshop,
)

__all__ = [
    "AccreditTrainer",
    "AddStaff",
    "AdmitLogin",
    "BlockMinutes",
    "BlockPlan",
    "CancelWorkshop",
    "ChangeRoles",
    "CloseStaff",
    "CompleteWorkshop",
    "ConfirmBooking",
    "ConfirmLogin",
    "CorrectAssessment",
    "CoverageNews",
    "CreateWorkshop",
    "Decision",
    "EndHold",
    "EndSession",
    "EnsureCourses",
    "ExtendHold",
    "ForgetLogins",
    "KeepSeatsLonger",
    "MarkEveryonePresent",
    "MendSeats",
    "PlaceBooking",
    "PublishWorkshop",
    "RecordAttendance",
    "RecordCertificate",
    "RecordCoverage",
    "RecordDecisions",
    "RecordLetter",
    "RecordMembership",
    "RecordPaymentProblem",
    "RenewLinks",
    "SetPassword",
    "WantLetters",
]
