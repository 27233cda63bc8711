"""How values are shown: money, moments, lengths of time."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from flask import Flask

from shared.money import format_money

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NARROW = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"


def money(amount_minor: int, currency: str) -> str:
    """`1190.00 EUR` the way people write it."""
    return format_money(amount_minor, currency)


def show_datetime(at: datetime | None, tz: str | None = None) -> str:
    """`Tue 24 Nov 2026, 09:00 CET`, in `tz` (UTC without one)."""
    if at is None:
        return ""
    local = at.astimezone(_zone(tz))
    return f"{_day(local)}, {local:%H:%M}{_NARROW}{_zone_name(local)}"


def show_span(starts_at: datetime, ends_at: datetime, tz: str | None = None) -> str:
    """`Tue 24 Nov 2026, 09:00 to 17:00 CET`; the day is said again only where it is another one."""
    first, last = starts_at.astimezone(_zone(tz)), ends_at.astimezone(_zone(tz))
    if (first.date(), _zone_name(first)) != (last.date(), _zone_name(last)):
        return f"{show_datetime(starts_at, tz)} to {show_datetime(ends_at, tz)}"
    return f"{_day(first)}, {first:%H:%M} to {last:%H:%M}{_NARROW}{_zone_name(last)}"


def show_days(starts_at: datetime, ends_at: datetime, tz: str | None = None) -> str:
    """`Tue 24 to Wed 25 Nov 2026`: the days something lasts, as short as they can be told apart."""
    first, last = starts_at.astimezone(_zone(tz)), ends_at.astimezone(_zone(tz))
    if first.date() == last.date():
        return _day(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{_DAYS[first.weekday()]} {first.day} to {_day(last)}"
    return f"{_day(first)} to {_day(last)}"


def show_date(at: datetime | date | None, tz: str | None = None) -> str:
    """`Tue 24 Nov 2026`; a moment is read in `tz`, a date stays itself."""
    if at is None:
        return ""
    return _day(at.astimezone(_zone(tz)) if isinstance(at, datetime) else at)


def show_minutes(minutes: int | None) -> str:
    """`14 h`, `2 h 30 min`, `45 min`."""
    if minutes is None:
        return ""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours}{_NARROW}h"] if hours else []
    parts += [f"{rest}{_NARROW}min"] if rest or not hours else []
    return " ".join(parts)


def _zone(tz: str | None) -> ZoneInfo:
    return ZoneInfo(tz or "UTC")


def _day(day: date) -> str:
    return f"{_DAYS[day.weekday()]} {day.day}{_NARROW}{_MONTHS[day.month - 1]}{_NARROW}{day.year}"


def _zone_name(local: datetime) -> str:
    name = local.tzname() or ""
    if name.isalpha():
        return name
    # Zones without a name of their own are called by their distance: +0530 → UTC+5:30.
    offset = local.utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset is not None else 0
    hours, rest = divmod(abs(minutes), 60)
    # A minus sign and no hyphen: lines break after a hyphen.
    return f"UTC{_MINUS if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def iso(at: datetime) -> str:
    """For `<time datetime>`."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def install_filters(app: Flask) -> None:
    """Make the filters known to every template."""
    app.jinja_env.filters.update(
        money=money,
        datetime=show_datetime,
        date=show_date,
        span=show_span,
        days=show_days,
        minutes=show_minutes,
        iso=iso,
    )
