"""PNG files for tests, right ones and wrong ones."""

import struct
import zlib

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, inside):
    """A piece of a PNG file, with its length before it and its sum behind it."""
    checked = kind + inside
    return struct.pack(">I", len(inside)) + checked + struct.pack(">I", zlib.crc32(checked))


def head(width=32, height=32, depth=8, colour=2, interlaced=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def rows(width=32, height=32, depth=8, colour=2):
    return (b"\0" + b"\x40" * ((width * CHANNELS[colour] * depth + 7) // 8)) * height


def png(*chunks):
    return SIGNATURE + b"".join([*chunks, chunk(b"IEND", b"")])


def picture(more=b"", **size):
    """A right PNG of one colour; `more` stands before its pixels."""
    return png(head(**size), more, chunk(b"IDAT", zlib.compress(rows(**size))))
