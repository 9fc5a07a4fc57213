"""Looks into JSON files: check, shape, get, csv."""

import csv
import json
import sys


def fail(text, code=1):
    print(f"json.sh: {text}", file=sys.stderr)
    sys.exit(code)


def load(path):
    try:
        with open(path, encoding="utf-8-sig") as file:
            if path.endswith((".jsonl", ".ndjson")):
                return [json.loads(line) for line in file if line.strip()]
            return json.load(file)
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}")
    except json.JSONDecodeError as error:
        fail(f"{path} is no JSON: line {error.lineno}, column {error.colno}: {error.msg}")
    except (UnicodeDecodeError, RecursionError) as error:
        fail(f"{path} is no JSON: {error}")


def kind(value):
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return names[type(value)]


def shape(value, path="$", depth=0, lines=None):
    lines = [] if lines is None else lines
    if len(lines) >= 200:
        return lines
    if isinstance(value, dict):
        lines.append(f"{path}: object of {len(value)}")
        if depth < 6:
            for key in value:
                shape(value[key], f"{path}.{key}", depth + 1, lines)
    elif isinstance(value, list):
        kinds = ", ".join(sorted({kind(entry) for entry in value})) or "nothing"
        lines.append(f"{path}: list of {len(value)} ({kinds})")
        objects = [entry for entry in value if isinstance(entry, dict)]
        if objects and depth < 6:
            keys = {}
            for entry in objects:
                for key in entry:
                    keys.setdefault(key, []).append(entry[key])
            for key, values in keys.items():
                often = f" in {len(values)} of {len(objects)}" if len(values) < len(objects) else ""
                lines.append(f"{path}.*.{key}: {', '.join(sorted({kind(one) for one in values}))}{often}")
    else:
        lines.append(f"{path}: {kind(value)}")
    return lines


def get(value, parts):
    if not parts:
        return [value]
    part, rest = parts[0], parts[1:]
    if part == "*":
        entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
        return [found for entry in entries for found in get(entry, rest)]
    if isinstance(value, dict) and part in value:
        return get(value[part], rest)
    if isinstance(value, list) and part.isdigit() and int(part) < len(value):
        return get(value[int(part)], rest)
    return []


def plain(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def to_csv(rows):
    rows = [row for row in rows if isinstance(row, dict)]
    if not rows:
        fail("there is no list of objects at that path")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if row.get(key) is None else plain(row[key]) for key in columns])


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("check", "shape", "get", "csv"):
        fail("usage: json.sh check|shape|get|csv FILE [PATH]", 2)
    command, value = arguments[0], load(arguments[1])
    parts = [part for part in (arguments[2] if len(arguments) > 2 else "").split(".") if part and part != "$"]
    if command == "check":
        print(f"{arguments[1]} is JSON: {kind(value)}")
        return
    found = get(value, parts)
    if not found:
        fail(f"there is nothing at {arguments[2]}")
    if command == "shape":
        print("\n".join(shape(found[0])))
    elif command == "get":
        print("\n".join(plain(one) for one in found))
    else:
        to_csv(found[0] if len(found) == 1 and isinstance(found[0], list) else found)


main(sys.argv[1:])
