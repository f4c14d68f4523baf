#!/usr/bin/env python3
"""links.py FOLDER: every href of its HTML pages leads to a page and an id that are there; nothing comes from elsewhere."""

import html.parser
import pathlib
import sys


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.ids, self.foreign = [], set(), []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.add(value)
            if name == "href":
                self.links.append(value)
            if name == "src" or (name == "href" and "//" in value):
                self.foreign.append(value)


pages = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.html")):
    pages[path.name] = Page()
    pages[path.name].feed(path.read_text(encoding="utf-8"))
bad = 0
for name, page in pages.items():
    for link in page.links + page.foreign:
        target, _, anchor = link.partition("#")
        there = pages.get(target or name)
        if there is None or (anchor and anchor not in there.ids):
            print(f"{name}: {link} leads nowhere")
            bad += 1
print(f"{sum(len(p.links) for p in pages.values())} links in {len(pages)} pages, {bad} lead nowhere")
