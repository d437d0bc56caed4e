# SPDX-License-Identifier: LGPL-2.1-or-later
"""document.py - what proto/PROTOCOL.md and the manual say, for comparison

Runs in: tests/run-protocol
Trusts: nothing: what is not found is an empty set, which agrees with nothing.
"""

import os
import re

from schema import ROOT


def _read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


TEXT = _read("proto", "PROTOCOL.md")
SECTIONS = {part.split("\n", 1)[0]: part for part in TEXT.split("\n## ")}


def tables(section):
    """Each table of the section: its rows, as lists of cells, heading first."""
    found = [[]]
    for line in SECTIONS[section].splitlines():
        if not line.startswith("|"):
            found.append([])
        elif not re.fullmatch(r"[|-]+", line):
            found[-1].append([cell.strip() for cell in
                              line.strip("|").split("|")])
    return [table for table in found if table]


def table(section, *heading):
    """{words of the first cell: other cells}; a row may be for several."""
    for rows in tables(section):
        if [cell for cell in rows[0] if cell] == list(heading):
            return {name: row[1:] for row in rows[1:]
                    for name in row[0].split(", ")}
    return {}


def quoted(text):
    return re.findall(r"`([^`]+)`", text)


def names_within(text):
    """The names at the top of what the first braces hold, or None."""
    begin = text.find("{")
    if begin < 0:
        return None
    depth, top = 0, ""
    for char in text[begin:]:
        depth -= char in "}])"
        if depth == 1:
            top += char
        depth += char in "{[("
        if depth == 0:
            break
    names = [re.match(r"\s*(\w*)", part).group(1) for part in top.split(",")]
    return {name for name in names if name}


class Method:
    def __init__(self, arguments, result):
        mandatory = arguments.split("[")[0]
        self.arguments = [word.strip() for word in mandatory.split(",")
                          if word.strip()]
        self.takes_options = "[" in arguments
        self.options = names_within(arguments) or set()
        self.result = result_names(result)


def result_names(text):
    """What a result consists of: keys, or "entry" or "entries"."""
    if re.match(r"\{id: entry\}", text, re.I):
        return {"entries"}
    if re.match(r"(the )?entry\b", text):
        return {"entry"}
    return names_within(text) if text.startswith("{") else None


def methods():
    text = " ".join(SECTIONS["Methods"].split())
    found = {}
    for match in re.finditer(r"\*\*(\w+)\*\*\(([^()]*)\)", text):
        result = text[match.end():].split("→ ", 1)
        found[match.group(1)] = Method(match.group(2),
                                       result[1] if result[1:] else "")
    return found


def aliases():
    """{name of 2012: method}"""
    text = " ".join(SECTIONS["Methods"].split("The names of 2012")[1].split())
    return {name: method for names, method in re.findall(
                r"((?:`\w+`(?: and |, )?)+) \((\w+)\)", text)
            for name in quoted(names)}


def manual_exit_codes():
    """Of holdfast(1)."""
    page = _read("client", "holdfast.1").split(".Sh EXIT STATUS")[1]
    return {int(code) for code in re.findall(
        r"^\.It (\d+)$", page.split(".Sh")[0], re.M)}


def schema_exit_codes():
    """Of the comment in error.def, which tells what each means."""
    text = _read("proto", "error.def").split("Exit codes:")[1].split("*/")[0]
    return {int(code) for code in re.findall(r"\b(\d) [a-z]", text)}


def program():
    """The client at the document's end."""
    lines = SECTIONS["A client in a few lines"].splitlines()[1:]
    return "\n".join(line[4:] for line in lines)
