"""Explains a cron expression and tells when it is next due."""

import datetime
import sys

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
FIELDS = [("minute", 0, 59, []), ("hour", 0, 23, []), ("day of the month", 1, 31, []),
          ("month", 1, 12, MONTHS), ("day of the week", 0, 7, DAYS)]
SHORT = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
         "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *"}


def fail(text, code=1):
    print(f"cron.sh: {text}", file=sys.stderr)
    sys.exit(code)


def number(text, name, low, high, names):
    if text.lower() in names:
        return names.index(text.lower()) + (1 if names is MONTHS else 0)
    if not text.isdigit() or not low <= int(text) <= high:
        fail(f"{text!r} is no {name}; it must be {low} to {high}", 2)
    return int(text)


def field(text, name, low, high, names):
    values = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if step and (not step.isdigit() or int(step) == 0):
            fail(f"{part!r}: a step must be a number above 0", 2)
        if span == "*":
            first, last = low, high
        elif "-" in span:
            ends = [number(end, name, low, high, names) for end in span.split("-", 1)]
            first, last = ends
            if first > last:
                fail(f"{span!r} goes backwards", 2)
        else:
            first = number(span, name, low, high, names)
            last = high if step else first
        values.update(range(first, last + 1, int(step or 1)))
    return values


def words(text, values, name, names):
    if text == "*":
        return f"every {name}"
    if text.startswith("*/"):
        return f"every {text[2:]}th {name}"
    shown = [names[value - (1 if names is MONTHS else 0)] if names else str(value) for value in sorted(values)]
    return f"{name} {', '.join(shown)}"


def main(arguments):
    if not 1 <= len(arguments) <= 3:
        fail("usage: cron.sh EXPRESSION [HOW_MANY] [AFTER]", 2)
    texts = SHORT.get(arguments[0].strip().lower(), arguments[0]).split()
    if len(texts) != 5:
        fail(f"an expression has five fields, this one has {len(texts)}", 2)
    values = [field(text, *rest) for text, rest in zip(texts, FIELDS)]
    values[4] = {0 if day == 7 else day for day in values[4]}
    print("; ".join(words(text, value, rest[0], rest[3]) for text, value, rest in zip(texts, values, FIELDS)))
    either = not texts[2].startswith("*") and not texts[4].startswith("*")
    if either:
        print("note: a day counts when the day of the month OR the day of the week fits")
    many = arguments[1] if len(arguments) > 1 else "5"
    if not many.isdigit() or not 1 <= int(many) <= 50:
        fail("HOW_MANY must be 1 to 50", 2)
    try:
        at = datetime.datetime.fromisoformat(arguments[2]) if len(arguments) > 2 else None
    except ValueError:
        fail(f"{arguments[2]!r} is no time; write one like 2026-01-31T08:00", 2)
    at = at or datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    minutes, hours, days, months, weekdays = values
    day, found = at.date(), 0
    for _ in range(366 * 8 + 2):
        by_month, by_week = day.day in days, (day.isoweekday() % 7) in weekdays
        if day.month in months and ((by_month or by_week) if either else (by_month and by_week)):
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    due = datetime.datetime(day.year, day.month, day.day, hour, minute)
                    if due > at.replace(tzinfo=None):
                        print(due.strftime("%Y-%m-%d %H:%M %a"))
                        found += 1
                        if found == int(many):
                            return
        day += datetime.timedelta(days=1)
    if not found:
        print("it is never due in the next eight years")


main(sys.argv[1:])
