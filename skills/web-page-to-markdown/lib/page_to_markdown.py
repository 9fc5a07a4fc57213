"""Turns an HTML page into Markdown."""

import html.parser
import re
import sys
import urllib.parse

SKIPPED = {"script", "style", "nav", "header", "footer", "aside", "form", "noscript", "svg", "template", "head"}
VOID = {"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr"}
BLOCKS = {"p", "div", "section", "article", "main", "blockquote", "ul", "ol", "table", "figure", "dl", "dt", "dd"}


class Page(html.parser.HTMLParser):
    def __init__(self, base):
        super().__init__(convert_charrefs=True)
        self.base = base
        self.out = []
        self.skipped = []
        self.lists = []
        self.link = None
        self.links = []
        self.pre = False
        self.cells = None
        self.rows = 0

    def put(self, text):
        self.out.append(text)

    def block(self):
        self.put("\n\n")

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in SKIPPED and tag not in VOID:
            self.skipped.append(tag)
        if self.skipped:
            return
        if re.fullmatch(r"h[1-6]", tag):
            self.block()
            self.put("#" * int(tag[1]) + " ")
        elif tag in ("ul", "ol"):
            self.lists.append([tag, 0])
            self.put("" if len(self.lists) > 1 else "\n\n")
        elif tag == "li":
            kind = self.lists[-1] if self.lists else ["ul", 0]
            kind[1] += 1
            mark = f"{kind[1]}. " if kind[0] == "ol" else "- "
            self.put("\n" + "  " * max(0, len(self.lists) - 1) + mark)
        elif tag == "pre":
            self.pre = True
            self.put("\n\n```\n")
        elif tag == "code" and not self.pre:
            self.put("`")
        elif tag in ("strong", "b"):
            self.put("**")
        elif tag in ("em", "i"):
            self.put("*")
        elif tag == "a":
            self.link = (attributes.get("href"), len(self.out))
        elif tag == "br":
            self.put("\n")
        elif tag == "hr":
            self.put("\n\n---\n\n")
        elif tag == "img" and attributes.get("alt"):
            self.put(f"[image: {attributes['alt']}]")
        elif tag == "tr":
            self.cells = []
        elif tag in ("td", "th"):
            self.cell = len(self.out)
        elif tag in BLOCKS:
            if tag == "table":
                self.rows = 0
            self.block()

    def handle_endtag(self, tag):
        if self.skipped:
            if tag == self.skipped[-1]:
                self.skipped.pop()
            return
        if re.fullmatch(r"h[1-6]", tag):
            self.block()
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
            self.put("" if self.lists else "\n\n")
        elif tag == "pre":
            self.pre = False
            self.put("\n```\n\n")
        elif tag == "code" and not self.pre:
            self.put("`")
        elif tag in ("strong", "b"):
            self.put("**")
        elif tag in ("em", "i"):
            self.put("*")
        elif tag == "a" and self.link:
            self.end_link()
        elif tag in ("td", "th") and self.cells is not None:
            text = " ".join("".join(self.out[self.cell:]).split()).replace("|", "\\|")
            del self.out[self.cell:]
            self.cells.append(text)
        elif tag == "tr" and self.cells is not None:
            self.put("\n| " + " | ".join(self.cells) + " |")
            if self.rows == 0:
                self.put("\n|" + "---|" * len(self.cells))
            self.rows += 1
            self.cells = None
        elif tag in BLOCKS:
            self.block()

    def end_link(self):
        address, start = self.link
        self.link = None
        text = " ".join("".join(self.out[start:]).split())
        del self.out[start:]
        address = urllib.parse.urljoin(self.base, address or "")
        if text and address.startswith(("http://", "https://", "/", "./", "#")) or (text and not self.base and address):
            self.links.append((text, address))
            self.put(f"[{text}]({address})")
        else:
            self.put(text)

    def handle_data(self, data):
        if self.skipped:
            return
        self.put(data if self.pre else re.sub(r"\s+", " ", data))


def tidy(text):
    lines, code = [], False
    for line in text.split("\n"):
        if line.startswith("```"):
            code = not code
        lines.append(line.rstrip() if code else re.sub(r"(?<=\S) +", " ", line).rstrip())
    text = "\n".join(line if line.strip() else "" for line in lines)
    text = re.sub(r"^ (?=\S)", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def main(arguments):
    only_links = "--links" in arguments
    arguments = [argument for argument in arguments if argument != "--links"]
    if not 1 <= len(arguments) <= 2:
        print("usage: markdown.sh FILE [ADDRESS] [--links]", file=sys.stderr)
        sys.exit(2)
    try:
        with open(arguments[0], "rb") as file:
            source = file.read(8 * 1024 * 1024)
    except OSError as error:
        print(f"markdown.sh: cannot read {arguments[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    found = re.search(rb"charset=[\"']?([A-Za-z0-9_-]+)", source[:4096])
    try:
        text = source.decode(found.group(1).decode() if found else "utf-8", "replace")
    except LookupError:
        text = source.decode("utf-8", "replace")
    page = Page(arguments[1] if len(arguments) > 1 else "")
    page.feed(text)
    page.close()
    if only_links:
        for text, address in dict.fromkeys(page.links):
            print(f"{address}\t{text}")
    else:
        print(tidy("".join(page.out)))


main(sys.argv[1:])
