"""Tells what image files are, by their content."""

import struct
import sys

ENDINGS = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "gif": "gif", "webp": "webp", "bmp": "bmp"}


def png(data):
    width, height, depth, colours = struct.unpack(">IIBB", data[16:26])
    kinds = {0: "grey", 2: "rgb", 3: "palette", 4: "grey+alpha", 6: "rgba"}
    notes = [f"{depth} bit {kinds.get(colours, 'odd')}"]
    if b"acTL" in data[:4096]:
        notes.append("animated")
    return width, height, notes


def gif(data):
    width, height = struct.unpack("<HH", data[6:10])
    frames = data.count(b"\x00\x21\xf9\x04")
    return width, height, [f"{frames} frames"] if frames > 1 else []


def bmp(data):
    width, height = struct.unpack("<ii", data[18:26])
    return width, abs(height), [f"{struct.unpack('<H', data[28:30])[0]} bit"]


def webp(data):
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        notes = ["animated"] if data[20] & 2 else []
        return width, height, notes + (["EXIF"] if data[20] & 8 else [])
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1, ["lossless"]
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF, []


def has_gps(exif):
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if not order:
        return False
    (start,) = struct.unpack(order + "I", exif[4:8])
    (count,) = struct.unpack(order + "H", exif[start:start + 2])
    entries = range(start + 2, start + 2 + count * 12, 12)
    return any(struct.unpack(order + "H", exif[at:at + 2])[0] == 0x8825 for at in entries if at + 2 <= len(exif))


def jpeg(data):
    at, notes = 2, []
    while at + 9 < len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        marker = data[at + 1]
        if marker == 0xFF or 0xD0 <= marker <= 0xD9 or marker == 1:
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack(">H", data[at + 2:at + 4])
        if marker == 0xE1 and data[at + 4:at + 10] == b"Exif\0\0":
            notes.append("EXIF")
            try:
                if has_gps(data[at + 10:at + 2 + length]):
                    notes.append("GPS")
            except struct.error:
                notes.append("EXIF is damaged")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5:at + 9])
            return width, height, notes
        at += 2 + length
    raise ValueError("no frame")


def look(path):
    with open(path, "rb") as file:
        data = file.read(16 * 1024 * 1024)
    readers = [(b"\x89PNG\r\n\x1a\n", "png", png), (b"GIF8", "gif", gif), (b"BM", "bmp", bmp), (b"\xff\xd8", "jpeg", jpeg)]
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        readers = [(b"RIFF", "webp", webp)]
    for magic, name, read in readers:
        if data.startswith(magic):
            try:
                width, height, notes = read(data)
            except (struct.error, ValueError, IndexError):
                return f"{path}: {name}, damaged"
            ending = ENDINGS.get(path.rsplit(".", 1)[-1].lower())
            if ending and ending != name:
                notes.append(f"ending says {ending}")
            return ", ".join([f"{path}: {name}", f"{width} x {height}"] + notes)
    return f"{path}: no image that is known here"


def main(paths):
    if not paths:
        print("usage: info.sh FILE…", file=sys.stderr)
        sys.exit(2)
    failed = False
    for path in paths:
        try:
            print(look(path))
        except OSError as error:
            print(f"info.sh: cannot read {path}: {error.strerror}", file=sys.stderr)
            failed = True
    sys.exit(1 if failed else 0)


main(sys.argv[1:])
