"""Lists what is in an archive and warns of what could do harm, without unpacking anything."""

import os
import stat
import sys
import tarfile
import zipfile

MOST_ENTRIES = 100_000


def leads_out(name):
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or (len(name) > 1 and name[1] == ":")


def from_zip(path):
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            mode = entry.external_attr >> 16
            kind = "link" if stat.S_ISLNK(mode) else "folder" if entry.is_dir() else "file"
            yield entry.filename, entry.file_size, entry.compress_size, kind


def from_tar(path):
    with tarfile.open(path) as archive:
        for entry in archive:
            kind = "folder" if entry.isdir() else "file" if entry.isfile() else "link" if entry.issym() or entry.islnk() else "device"
            yield entry.name, entry.size, None, kind
            if kind == "link" and leads_out(entry.linkname):
                yield f"{entry.name} -> {entry.linkname}", 0, None, "outside"


def look(path, most):
    if zipfile.is_zipfile(path):
        format_name, entries = "zip", from_zip(path)
    elif tarfile.is_tarfile(path):
        format_name, entries = "tar", from_tar(path)
    else:
        print(f"inspect.sh: {path} is neither a zip nor a tar archive", file=sys.stderr)
        return 1
    names, warnings, listed, total, count = set(), [], [], 0, 0
    for name, size, packed, kind in entries:
        count += 1
        if count > MOST_ENTRIES:
            warnings.append(f"more than {MOST_ENTRIES} entries")
            break
        total += size
        if kind == "outside" or leads_out(name):
            warnings.append(f"outside: {name}")
        if kind in ("link", "device"):
            warnings.append(f"{kind}: {name}")
        if packed is not None and size > 256 * 1024 and size > 200 * max(packed, 1):
            warnings.append(f"bursts: {name} ({packed} bytes become {size})")
        if name in names:
            warnings.append(f"twice: {name}")
        names.add(name)
        listed.append((size, name))
    packed = os.path.getsize(path)
    if format_name == "tar" and total > 200 * max(packed, 1) and total > 256 * 1024:
        warnings.append(f"bursts: {packed} bytes become {total}")
    print(f"{format_name}, {count} entries, {total} bytes unpacked, {packed} bytes packed")
    for warning in warnings[:100]:
        print(f"WARNING {warning}")
    print("largest:")
    for size, name in sorted(listed, key=lambda one: (-one[0], one[1]))[:most]:
        print(f"{size:>12}  {name}")
    return 3 if warnings else 0


def main(arguments):
    if not 1 <= len(arguments) <= 2 or (len(arguments) == 2 and not arguments[1].isdigit()):
        print("usage: inspect.sh FILE [HOW_MANY]", file=sys.stderr)
        return 2
    try:
        return look(arguments[0], int(arguments[1]) if len(arguments) > 1 else 20)
    except OSError as error:
        print(f"inspect.sh: cannot read {arguments[0]}: {error.strerror}", file=sys.stderr)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        print(f"inspect.sh: {arguments[0]} is damaged: {error}", file=sys.stderr)
    return 1


sys.exit(main(sys.argv[1:]))
