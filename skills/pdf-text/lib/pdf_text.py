"""Takes the text out of simple PDFs: compressed streams, literal and hexadecimal strings, one-byte fonts."""

import re
import sys
import zlib

LARGEST = 64 * 1024 * 1024
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"", b"f": b"", b"(": b"(", b")": b")", b"\\": b"\\"}


def fail(text, code):
    print(f"text.sh: {text}", file=sys.stderr)
    sys.exit(code)


def streams(data):
    for found in re.finditer(rb"<<(?P<head>(?:[^<>]|<(?!<)|>(?!>)|<<[^<>]*>>)*)>>\s*stream\r?\n", data):
        end = data.find(b"endstream", found.end())
        if end < 0:
            continue
        body = data[found.end():end]
        if b"/FlateDecode" in found.group("head"):
            try:
                body = zlib.decompressobj().decompress(body, LARGEST)
            except zlib.error:
                continue
        elif b"/Filter" in found.group("head"):
            continue
        yield body


def literal(body, at):
    out, depth = bytearray(), 1
    while at < len(body):
        c = body[at:at + 1]
        at += 1
        if c == b"\\":
            c = body[at:at + 1]
            octal = re.match(rb"[0-7]{1,3}", body[at:at + 3])
            if octal:
                out.append(int(octal.group(), 8) & 255)
                at += len(octal.group())
            else:
                out += ESCAPES.get(c, b"" if c in (b"\n", b"\r") else c)
                at += 1
        elif c == b"(":
            depth += 1
            out += c
        elif c == b")":
            depth -= 1
            if not depth:
                break
            out += c
        else:
            out += c
    return bytes(out), at


def texts(body):
    """Yields the text of one stream, with line breaks where the page moves on."""
    strings, at, inside = [], 0, False
    token = re.compile(rb"[\s]+|\(|<[0-9A-Fa-f\s]*>|\[|\]|[-+]?[0-9.]+|[A-Za-z'\"*]+|.", re.DOTALL)
    while at < len(body):
        found = token.match(body, at)
        at, word = found.end(), found.group()
        if word == b"(":
            string, at = literal(body, at)
            strings.append(string)
        elif word.startswith(b"<") and word.endswith(b">") and len(word) > 2:
            digits = re.sub(rb"\s", b"", word[1:-1])
            strings.append(bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode()))
        elif re.fullmatch(rb"[-+]?[0-9.]+", word):
            # In a list of strings, a large step back is a space between words.
            if strings and inside and word.startswith(b"-") and len(word.split(b".")[0]) >= 4:
                strings.append(b" ")
        elif word == b"[":
            inside = True
        elif word == b"]":
            inside = False
        elif word in (b"Tj", b"TJ"):
            yield b"".join(strings)
            strings = []
        elif word in (b"'", b'"'):
            yield b"\n" + b"".join(strings)
            strings = []
        elif word in (b"Td", b"TD", b"T*", b"ET", b"Tm"):
            yield b"\n"
            strings = []
        elif word.isalpha():
            strings = []


def main(path):
    with open(path, "rb") as file:
        data = file.read(LARGEST)
    if not data.lstrip().startswith(b"%PDF-"):
        fail(f"{path} is no PDF", 1)
    if re.search(rb"/Encrypt\s+\d+\s+\d+\s+R", data):
        fail(f"{path} is encrypted", 3)
    pages = []
    for body in streams(data):
        if b"BT" in body and (b"Tj" in body or b"TJ" in body or b"'" in body):
            text = b"".join(texts(body)).decode("cp1252", "replace")
            text = re.sub(r"\n{2,}", "\n", text).strip()
            if text:
                pages.append(text)
    whole = "\n\n".join(pages)
    readable = sum(1 for c in whole if c.isprintable() or c.isspace())
    if not whole or readable < 0.8 * len(whole):
        fail("no text can be read: the pages are pictures, or their fonts have an encoding of their own", 3)
    print(whole)


main(sys.argv[1])
