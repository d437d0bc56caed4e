# SPDX-License-Identifier: LGPL-2.1-or-later
"""schema.py - proto/ as the stories need it: never a number by hand

Runs in: the stories
Trusts: proto/*.def, and message.h for the kinds of holders
Invariant: a number here is the position in its file, as in the C enums.
"""

import os
import re

import msgpack

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def _lines(name):
    with open(os.path.join(ROOT, "proto", name), encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    return text.splitlines()


def rows(name, macro=r"[A-Z_]+"):
    """[(macro, [argument])] of each line of that macro; strings unquoted."""
    found = []
    for line in _lines(name):
        match = re.fullmatch(r"(%s)\((.*)\)" % macro, line)
        if match:
            arguments = re.findall(r'"((?:[^"\\]|\\.)*)"|([^\s,"]+)',
                                   match.group(2))
            found.append((match.group(1), [
                word or re.sub(r"\\(.)", r"\1", text)
                for text, word in arguments]))
    return found


def _words(name, macro):
    """The first two arguments of each line of that macro."""
    return [tuple(arguments[:2]) for _, arguments in rows(name, macro)]


# Words in the order of their enums.
STATES = [word for _, word in _words("state.def", "TARGET_STATE")]
WANTED = [word for _, word in _words("state.def", "WANTED")]
OPERATIONS = [word for _, word in _words("state.def", "OPERATION")]
ORIGINS = [word for _, word in _words("state.def", "ORIGIN")]
HOLDS = [word for _, word in _words("state.def", "HOLD")]
ERRORS = ["ok"] + [slug for _, slug in _words("error.def", "ERROR")]
ENTRY_KEYS = [name for name, _ in _words("api.def", "ENTRY")]
STATUS_KEYS = [name for name, _ in _words("api.def", "STATUS")]
METHODS = [name for name, _ in _words("api.def", "METHOD")]
ALIASES = [name for name, _ in _words("api.def", "ALIAS")]

HOLDERS = [word.lower() for line in _lines("message.h")
           for word in re.findall(r"^\s+HOLDER_(\w+),", line)][:-1]

_ENUMS = {"enum target_state": STATES, "enum wanted": WANTED,
          "enum hold": HOLDS,
          "enum operation": OPERATIONS, "enum origin": ORIGINS,
          "enum err_code": ERRORS, "enum holder_kind": HOLDERS}


def _messages():
    """[(name, [(field, kind)])] in the order of enum message_type."""
    messages = []
    for line in _lines("worker.def"):
        match = re.match(r"(?:ORDER|REPORT)\((\w+),", line)
        if match:
            messages.append((match.group(1), []))
        match = re.match(r"\s+FIELD_(\w+)\(\w+, (\w+), ([^,]+)", line)
        if match:
            kind, field, rest = match.groups()
            messages[-1][1].append((field, rest if kind == "ENUM" else kind))
    return messages


MESSAGES = _messages()
_TYPES = {name: number for number, (name, _) in enumerate(MESSAGES)}


def encode(name, **fields):
    """A message's bytes; what is not given is 0, "" or the first word."""
    values = [_TYPES[name]]
    for field, kind in MESSAGES[_TYPES[name]][1]:
        value = fields.pop(field, "" if kind == "TEXT" else 0)
        if isinstance(value, str) and kind in _ENUMS:
            value = _ENUMS[kind].index(value)
        values.append(value)
    if fields:
        raise KeyError("%s has no %s" % (name, ", ".join(fields)))
    return msgpack.packb(values)


def decode(packet):
    """(name, {field: value}) of a message, words for enums."""
    values = msgpack.unpackb(packet)
    name, layout = MESSAGES[values[0]]
    if len(values) != len(layout) + 1:
        raise ValueError("%s has %d fields" % (name, len(values) - 1))
    fields = {}
    for (field, kind), value in zip(layout, values[1:]):
        fields[field] = _ENUMS[kind][value] if kind in _ENUMS else value
    return name, fields
