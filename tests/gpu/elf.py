"""Shared objects without a function: what a stand-in package installs, and what the dynamic linker really loads."""

import struct

BASE, PROGRAM = 64, 56  # sizes of the ELF header and of a program header
LOAD, DYNAMIC, GNU_STACK = 1, 2, 0x6474E551
READ_WRITE = 6
STRTAB, SYMTAB, STRSZ, SYMENT, SONAME = 5, 6, 10, 11, 14


def shared_object(soname: str) -> bytes:
    """A 64-bit x86 library with this soname: `ldconfig` lists it and `dlopen` loads it."""
    strings = b"\0" + soname.encode() + b"\0"
    symbols = bytes(24)  # the one undefined symbol that every table begins with
    at_symbols = BASE + 3 * PROGRAM
    at_strings = at_symbols + len(symbols)
    at_dynamic = (at_strings + len(strings) + 7) & ~7
    entries = {SONAME: 1, STRTAB: at_strings, SYMTAB: at_symbols, STRSZ: len(strings), SYMENT: 24, 0: 0}
    dynamic = b"".join(struct.pack("<QQ", tag, value) for tag, value in entries.items())
    end = at_dynamic + len(dynamic)
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, BASE, 0, 0, BASE, PROGRAM, 3, 64, 0, 0)
    load = struct.pack("<IIQQQQQQ", LOAD, READ_WRITE, 0, 0, 0, end, end, 4096)
    points = struct.pack("<IIQQQQQQ", DYNAMIC, READ_WRITE, at_dynamic, at_dynamic, 0, len(dynamic), len(dynamic), 8)
    stack = struct.pack("<IIQQQQQQ", GNU_STACK, READ_WRITE, 0, 0, 0, 0, 0, 16)  # without it: to be executable
    return (header + load + points + stack + symbols + strings).ljust(at_dynamic, b"\0") + dynamic
