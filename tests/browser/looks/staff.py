"""What trainers, finance, operations and administrators see."""

from tests.browser.looks.look import Look, Where, open_all, press


def _roster(name: str, rest: str = "") -> Where:
    return lambda scene: f"/trainer/workshops/{scene.workshops[name]}{rest}"


def _activation(name: str) -> Where:
    return lambda scene: f"/certificates/activations/{scene.orders[name].enrollment_ids[0]}"


_PLAN = "/trainer/workshops/new"
_ROSTER = "/trainer/workshops/<uuid:workshop_id>"
_ACTIVATION = "/certificates/activations/<uuid:enrollment_id>"

LOOKS = (
    Look(name="my workshops", shows="GET /trainer", where="/trainer", role="trainer"),
    Look(name="my workshops empty", shows="GET /trainer", where="/trainer", role="trainer", first_day=True),
    Look(name="all workshops", shows="GET /trainer", where="/trainer", role="admin", often=False),
    Look(name="plan", shows=f"GET {_PLAN}", where=_PLAN, role="trainer"),
    Look(name="plan as admin", shows=f"GET {_PLAN}", where=_PLAN, role="admin", often=False),
    Look(
        name="plan with errors",
        shows=f"POST {_PLAN}",
        where=_PLAN,
        role="trainer",
        then=press("Publish now"),
        status=422,
    ),
    Look(name="roster to complete", shows=f"GET {_ROSTER}", where=_roster("over"), role="trainer"),
    Look(
        name="roster with errors",
        shows=f"POST {_ROSTER}",
        where=_roster("over"),
        role="trainer",
        then=press("Save and complete"),
        status=422,
    ),
    Look(
        name="roster completed",
        shows=f"GET {_ROSTER}",
        where=_roster("completed"),
        role="trainer",
        then=open_all,
    ),
    Look(name="roster empty", shows=f"GET {_ROSTER}", where=_roster("nobody"), role="trainer", often=False),
    Look(name="roster draft", shows=f"GET {_ROSTER}", where=_roster("draft"), role="trainer", often=False),
    Look(name="roster to come", shows=f"GET {_ROSTER}", where=_roster("coming"), role="trainer", often=False),
    Look(name="roster as admin", shows=f"GET {_ROSTER}", where=_roster("over"), role="admin", often=False),
    Look(
        name="attendance list", shows=f"GET {_ROSTER}/print", where=_roster("over", "/print"), role="trainer"
    ),
    Look(name="accounts", shows="GET /staff", where="/staff", role="admin"),
    Look(name="finance", shows="GET /finance", where="/finance", role="finance"),
    Look(name="finance empty", shows="GET /finance", where="/finance", role="finance", first_day=True),
    Look(
        name="finance nothing found",
        shows="GET /finance",
        where="/finance?q=nothing",
        role="finance",
        often=False,
    ),
    Look(
        name="finance attention",
        shows="GET /finance",
        where="/finance?show=attention",
        role="finance",
        often=False,
    ),
    *(
        Look(
            name=f"finance booking {name}",
            shows="GET /finance/bookings/<uuid:booking_id>",
            where=lambda scene, name=name: f"/finance/bookings/{scene.orders[name].booking_id}",  # type: ignore[misc]  # mypy cannot tell the type of a lambda with a default
            role="finance",
            often=name == "unseated",
        )
        for name in ("done", "disputed", "unseated", "wrong", "held")
    ),
    Look(
        name="activations",
        shows="GET /certificates/activations",
        where="/certificates/activations?state=",
        role="ops",
    ),
    Look(
        name="activations needing attention with a stranded one",
        shows="GET /certificates/activations",
        where="/certificates/activations?state=attention",
        role="ops",
        often=False,
    ),
    Look(
        name="activation resumed",
        shows=f"GET {_ACTIVATION}",
        where=lambda scene: f"{_activation('resumed')(scene)}?done=resumed",
        role="ops",
        often=False,
    ),
    Look(
        name="activations empty",
        shows="GET /certificates/activations",
        where="/certificates/activations",
        role="ops",
        first_day=True,
        often=False,
    ),
    *(
        Look(
            name=f"activation {name}",
            shows=f"GET {_ACTIVATION}",
            where=_activation(name),
            role="ops",
            often=name == "flagged",
        )
        for name in ("done", "refused", "stranded", "flagged", "exam", "held")
    ),
    Look(
        name="resubmission with errors",
        shows=f"POST {_ACTIVATION}/resubmission",
        where=_activation("refused"),
        role="ops",
        then=press("Submit again"),
        status=422,
    ),
    Look(
        name="resumption with errors",
        shows=f"POST {_ACTIVATION}/resumption",
        where=_activation("stranded"),
        role="ops",
        then=press("Submit again"),
        status=422,
    ),
    Look(
        name="exam with errors",
        shows=f"POST {_ACTIVATION}/exam",
        where=_activation("exam"),
        role="ops",
        then=press("Record"),
        status=422,
    ),
    Look(name="not allowed", shows="GET /finance", where="/finance", role="trainer", status=403),
)
