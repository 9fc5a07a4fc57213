"""Looks into a SQLite database without changing it: tables, query."""

import csv
import pathlib
import sqlite3
import sys
import time
import urllib.parse


def fail(text, code=1):
    print(f"sqlite.sh: {text}", file=sys.stderr)
    sys.exit(code)


def connect(path):
    if not pathlib.Path(path).is_file():
        fail(f"there is no file {path}")
    place = urllib.parse.quote(str(pathlib.Path(path).resolve()))
    database = sqlite3.connect(f"file:{place}?mode=ro", uri=True)
    until = time.monotonic() + 20
    database.set_progress_handler(lambda: 1 if time.monotonic() > until else 0, 10_000)
    return database


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def tables(database):
    names = database.execute(
        "select name, type from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%' order by name"
    ).fetchall()
    for name, kind in names:
        count = database.execute("select count(*) from " + quoted(name)).fetchone()[0]
        print(f"{kind} {name}: {count} rows")
        for _, column, declared, required, _, key in database.execute("select * from pragma_table_info(?)", (name,)):
            notes = [declared or "any", "not null" if required else "", "key" if key else ""]
            print(f"    {column} {' '.join(note for note in notes if note)}")
    if not names:
        print("the database has no tables")


def query(database, text, most):
    cursor = database.execute(text)
    if cursor.description is None:
        fail("that statement returns no rows; only SELECT and its like are of use here")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([column[0] for column in cursor.description])
    rows = cursor.fetchmany(most + 1)
    for row in rows[:most]:
        writer.writerow([f"<{len(cell)} bytes>" if isinstance(cell, bytes) else cell for cell in row])
    if len(rows) > most:
        print(f"(cut after {most} rows)", file=sys.stderr)


def main(arguments):
    if len(arguments) < 2 or arguments[1] not in ("tables", "query") or (arguments[1] == "query" and len(arguments) < 3):
        fail("usage: sqlite.sh FILE tables | sqlite.sh FILE query STATEMENT [ROWS]", 2)
    try:
        database = connect(arguments[0])
        if arguments[1] == "tables":
            tables(database)
        else:
            most = arguments[3] if len(arguments) > 3 else "100"
            if not most.isdigit():
                fail("ROWS must be a number", 2)
            query(database, arguments[2], int(most))
    except sqlite3.Error as error:
        fail(str(error))


main(sys.argv[1:])
