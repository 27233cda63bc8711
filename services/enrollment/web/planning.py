"""Planning a workshop: one form, as a draft or offered at once. Several blocks, without JavaScript.

Times are typed as they are on the workshop's own clock.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate
from werkzeug.datastructures import MultiDict

from services.enrollment import handlers, queries
from services.enrollment.commands import BlockPlan, CreateWorkshop, PublishWorkshop
from services.enrollment.domain import Delivery, Role
from services.enrollment.domain.errors import NotYourWorkshop, UnknownWorkshop
from shared.auth.guards import current_staff, staff
from shared.errors import AppError, Invalid
from shared.money import CURRENCIES
from shared.web.current import current_service, request_tx
from shared.web.forms import load_form
from shared.web.pages import field_errors, form_page, see_other
from shared.web.repeated import count_groups, index_of, summarised, without_group

blueprint = Blueprint("planning", __name__)

MAX_BLOCKS = 20
_BLOCK_FIELDS = ("day", "starts_at", "ends_at", "break_minutes")
_PRICE = re.compile(r"(?P<whole>\d{1,9})(?:[.,](?P<part>\d{1,3}))?")


def _saying(text: str, *when: str) -> dict[str, Any]:
    """The same sentence for each way a field can be wrong."""
    return dict.fromkeys(("required", *when), text)


def _number(text: str, least: int, most: int) -> fields.Integer:
    return fields.Integer(
        required=True,
        error_messages=_saying(text, "invalid", "too_large"),
        validate=validate.Range(least, most, error=text),
    )


class BlockForm(Schema):
    """One block as it is typed."""

    day = fields.Date(required=True, error_messages=_saying("Enter the day.", "invalid"))
    starts_at = fields.Time(
        format="%H:%M",
        required=True,
        error_messages=_saying("Enter when it starts, such as 09:00.", "invalid"),
    )
    ends_at = fields.Time(
        format="%H:%M",
        required=True,
        error_messages=_saying("Enter when it ends, such as 17:00.", "invalid"),
    )
    break_minutes = _number("Enter the minutes of all breaks together, 0 for none.", 0, 1440)


class PlanForm(Schema):
    """A workshop as it is typed."""

    course_code = fields.String(required=True, error_messages={"required": "Choose a course."})
    title = fields.String(required=True, error_messages={"required": "Enter a title."})
    trainer_id = fields.UUID(error_messages={"invalid_uuid": "Choose a trainer."})
    delivery = fields.Enum(
        Delivery,
        by_value=True,
        required=True,
        error_messages=_saying("Choose how people meet.", "unknown"),
    )
    join_link = fields.String(load_default=None, validate=validate.Length(max=500))
    venue = fields.String(load_default=None, validate=validate.Length(max=300))
    time_zone = fields.String(required=True, error_messages={"required": "Choose a time zone."})
    blocks = fields.List(fields.Nested(BlockForm), required=True, validate=validate.Length(max=MAX_BLOCKS))
    capacity = _number("Enter how many seats there are.", 1, 10**6)
    price = fields.String(required=True, error_messages={"required": "Enter the price of a seat."})
    currency = fields.String(required=True, error_messages={"required": "Choose a currency."})


@blueprint.get("/trainer/workshops/new")
@staff("trainer", "admin")
def ask_plan() -> ResponseReturnValue:
    """An empty plan, or with `?like=` the plan of another workshop."""
    like = request.args.get("like", type=UUID)
    typed = _like(like) if like else {}
    return _plan({"currency": "EUR", **typed}, count_groups(typed, "blocks", MAX_BLOCKS) or 2, {})


@blueprint.post("/trainer/workshops/new")
@staff("trainer", "admin")
def take_plan() -> ResponseReturnValue:
    """One step of planning: `step` is add, remove-<n>, draft or publish."""
    step = request.form.get("step", "draft")
    typed = dict(request.form.items())
    blocks = max(count_groups(typed, "blocks", MAX_BLOCKS), 1)
    if step == "add":
        return _plan(_with_next_day(typed, blocks), min(blocks + 1, MAX_BLOCKS), {})
    if (gone := index_of(step, "remove")) is not None and gone < blocks > 1:
        return _plan(without_group(typed, "blocks", gone), blocks - 1, {})
    if step not in ("draft", "publish"):
        return _plan(typed, blocks, {})
    data, errors = load_form(PlanForm(), MultiDict((n, v) for n, v in typed.items() if n != "step"))
    if errors:
        return _plan(typed, blocks, errors)
    try:
        command = _command(data)
        with request_tx() as tx:
            workshop_id = handlers.create_workshop(command, tx).workshop_id
            if step == "publish":
                handlers.publish_workshop(PublishWorkshop(workshop_id=workshop_id), tx)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return _plan(typed, blocks, field_errors(error))
    return see_other(f"/trainer/workshops/{workshop_id}?done={'publish' if step == 'publish' else 'plan'}")


def _command(data: dict[str, Any]) -> CreateWorkshop:
    """What was typed, as the command takes it; raises `Invalid` with the form's own names."""
    wrong: dict[str, list[str]] = {}
    blocks = _moments(data["blocks"], data["time_zone"], wrong)
    exponent = CURRENCIES.get(data["currency"], 2)
    price = _PRICE.fullmatch(data["price"])
    if price is None or len(price["part"] or "") > exponent:
        wrong["price"] = [f"Enter a price such as {'1290' if exponent == 0 else '1290 or 1290.50'}."]
    if wrong or price is None:
        raise Invalid("bad_plan", "Correct the fields that are marked.", fields=wrong)
    online = data["delivery"] is Delivery.ONLINE
    return CreateWorkshop(
        course_code=data["course_code"],
        title=data["title"],
        delivery=data["delivery"],
        time_zone=data["time_zone"],
        blocks=blocks,
        capacity=data["capacity"],
        price_minor=int(price["whole"]) * 10**exponent + int((price["part"] or "").ljust(exponent, "0") or 0),
        currency=data["currency"],
        trainer_id=_trainer(data.get("trainer_id")),
        join_link=data["join_link"] if online else None,
        venue=None if online else data["venue"],
    )


def _moments(
    blocks: Sequence[Mapping[str, Any]], time_zone: str, wrong: dict[str, list[str]]
) -> tuple[BlockPlan, ...]:
    if time_zone not in available_timezones():
        wrong["time_zone"] = ["Choose a time zone from the list, such as Europe/Berlin."]
        return ()
    zone, plans = ZoneInfo(time_zone), []
    for index, block in enumerate(blocks):
        at: dict[str, datetime] = {}
        for name in ("starts_at", "ends_at"):
            moment = _moment(block["day"], block[name], zone)
            if moment is None:
                wrong[f"blocks.{index}.{name}"] = [
                    "The clocks skip this time on that day. Enter another one."
                ]
            else:
                at[name] = moment
        if len(at) == 2:
            plans.append(BlockPlan(**at, break_minutes=block["break_minutes"]))
    return tuple(plans)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    """This time of that day in UTC; None when the clocks leave it out."""
    local = datetime.combine(day, at, zone)
    moment = local.astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None) else None


def _trainer(chosen: UUID | None) -> UUID:
    me = current_staff()
    if me.has_role([Role.ADMIN]):
        if chosen is None:
            raise Invalid("no_trainer", "Choose a trainer.", fields={"trainer_id": ["Choose a trainer."]})
        return chosen
    return me.staff_id


def _like(workshop_id: UUID) -> dict[str, str]:
    me = current_staff()
    with current_service().transactions.read() as session:
        model = queries.roster(session, workshop_id)
    if model is None:
        raise UnknownWorkshop
    if model.trainer_id != me.staff_id and not me.has_role([Role.ADMIN]):
        raise NotYourWorkshop
    zone = ZoneInfo(model.time_zone)
    typed = {
        "course_code": model.course_code,
        "title": model.title,
        "trainer_id": str(model.trainer_id),
        "delivery": str(model.delivery),
        "join_link": model.join_link or "",
        "venue": model.venue or "",
        "time_zone": model.time_zone,
        "capacity": str(model.capacity),
        "price": str(Decimal(model.price_minor).scaleb(-CURRENCIES[model.currency])),
        "currency": model.currency,
    }
    for index, block in enumerate(model.blocks):
        starts_at, ends_at = block.starts_at.astimezone(zone), block.ends_at.astimezone(zone)
        values = (f"{starts_at:%Y-%m-%d}", f"{starts_at:%H:%M}", f"{ends_at:%H:%M}", str(block.break_minutes))
        typed |= {f"blocks-{index}-{name}": value for name, value in zip(_BLOCK_FIELDS, values, strict=True)}
    return typed


def _plan(typed: Mapping[str, str], blocks: int, errors: dict[str, list[str]]) -> ResponseReturnValue:
    # The command counts money in minor units, the form does not; a list has no field of its own to lead to.
    names = {"price_minor": "price", "blocks": "blocks-0-day"}
    errors = {names.get(name, name): texts for name, texts in errors.items()}
    with current_service().transactions.read() as session:
        courses = queries.courses(session)
        people = queries.staff_list(session) if current_staff().has_role([Role.ADMIN]) else ()
    return form_page(
        "enrollment/plan.html",
        errors,
        summary=summarised(errors, "blocks", "Block"),
        typed=typed,
        blocks=blocks,
        most_blocks=MAX_BLOCKS,
        courses=courses,
        trainers=[member for member in people if Role.TRAINER in member.roles and not member.closed_at],
        chooses_trainer=current_staff().has_role([Role.ADMIN]),
        currencies=[(code, code) for code in sorted(CURRENCIES)],
        zones=_zones(),
    )


def _with_next_day(typed: Mapping[str, str], blocks: int) -> dict[str, str]:
    """One block more, with the hours of the last one on the day after it."""
    last = {name: typed.get(f"blocks-{blocks - 1}-{name}", "") for name in _BLOCK_FIELDS}
    try:
        last["day"] = str(date.fromisoformat(last["day"]) + timedelta(days=1))
    except (ValueError, OverflowError):
        last["day"] = ""
    return {**typed, **{f"blocks-{blocks}-{name}": value for name, value in last.items()}}


@cache
def _zones() -> Sequence[str]:
    """Places people live in; the database also names offsets and abbreviations."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
