"""PNG pictures that strangers send: read strictly, and written anew from their pixels alone.

What would surprise a reader: nothing that was sent is kept as it came. The pixels are unpacked,
counted and packed again, so texts, places, colour profiles, other frames and whatever hangs at the
end of the file are gone. How many bytes the pixels have is known from the head of the file before
any of them is unpacked, so a small file cannot become a large one.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from workflows.engine.refusals import Invalid

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_BYTES, MOST_PIXELS, FEWEST_PIXELS = 500_000, 1024, 16  # pixels along one side
MOST_KEPT = 2 * MOST_BYTES  # of a picture that is packed anew
QUICK = 6  # how hard zlib packs: at 9, a small file can be made that takes it many seconds
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the kind of colour
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
PALETTE, COLOURS = 3, (2, 3, 6)  # kinds of colour: that needs a palette; that may have one
KEPT = (b"PLTE", b"tRNS")  # what pixels mean nothing without
# Where each pass of an interlaced picture begins, and its steps: x, y, step in x, step in y.
PASSES = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
    (0, 1, 1, 2),
)  # fmt: skip
WRONG = "This picture is damaged. Save it again as PNG."
# What the first bytes of a file give away that is no PNG.
KINDS = {
    b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"RIFF": "WebP", b"BM": "BMP", b"II*\0": "TIFF",
    b"<svg": "SVG", b"<?xml": "SVG", b"%PDF": "PDF",
}  # fmt: skip


@dataclass(frozen=True)
class Head:
    """What the head of a picture says: its size in pixels, and how each is written."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    def rows(self) -> Iterator[int]:
        """The bytes of each row of pixels, in the order of the file."""
        bits = CHANNELS[self.colour] * self.depth
        for x, y, step_x, step_y in PASSES if self.interlaced else ((0, 0, 1, 1),):
            across = (self.width - x + step_x - 1) // step_x
            down = (self.height - y + step_y - 1) // step_y
            if across > 0:
                yield from [(across * bits + 7) // 8] * max(down, 0)


def rewrite(content: bytes, field: str = "file") -> bytes:
    """The same picture with nothing in it but its pixels; or `Invalid` that says what is wrong."""
    try:
        return _rewritten(content)
    except ValueError as error:
        raise Invalid(**{field: str(error)}) from None


def _rewritten(content: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        raise ValueError(f"This file is larger than {MOST_BYTES // 1000} kB. Make it smaller.")
    if not content.startswith(SIGNATURE):
        raise ValueError(_what_else(content))
    head, packed, kept = None, [], {}
    for place, (kind, inside) in enumerate(_chunks(content)):
        if (kind == b"IHDR") != (place == 0):
            raise ValueError(WRONG)
        if kind == b"IHDR":
            head = _head(inside)
        elif kind == b"IDAT":
            packed.append(inside)
        elif kind in KEPT:
            if kind in kept or packed:
                raise ValueError(WRONG)
            kept[kind] = inside
        elif kind != b"IEND" and not kind[0] & 0x20:  # one that nobody may skip, and nobody knows
            raise ValueError(WRONG)
    assert head
    _require_colours(head, kept)
    pixels = _unpacked(head, b"".join(packed))
    chunks = [(b"IHDR", _told(head)), *sorted(kept.items())]
    chunks += [(b"IDAT", zlib.compress(pixels, QUICK)), (b"IEND", b"")]
    made = SIGNATURE + b"".join(_chunk(*one) for one in chunks)
    if len(made) > MOST_KEPT:
        raise ValueError("This picture is too large. Save it with fewer pixels.")
    return made


def _what_else(content: bytes) -> str:
    start = content.lstrip()[:8]
    kind = next((name for sign, name in KINDS.items() if start.startswith(sign)), None)
    if not content:
        return "Choose a PNG file."
    return f"This file is {kind}. Save it as PNG." if kind else "This is not a PNG file."


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The pieces that a PNG consists of, each with its sum right, to its end."""
    place, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        if len(content) < place + 12:
            raise ValueError(WRONG)
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 8 + length
        if not kind.isalpha() or len(content) < end + 4:
            raise ValueError(WRONG)
        if struct.unpack_from(">I", content, end)[0] != zlib.crc32(content[place + 4 : end]):
            raise ValueError(WRONG)
        yield kind, content[place + 8 : end]
        place = end + 4


def _head(inside: bytes) -> Head:
    if len(inside) != 13:
        raise ValueError(WRONG)
    width, height, depth, colour, packing, filtering, interlaced = struct.unpack(">IIBBBBB", inside)
    if depth not in DEPTHS.get(colour, ()) or packing or filtering or interlaced > 1:
        raise ValueError(WRONG)
    size = f"This picture has {width:,} × {height:,} pixels."
    if max(width, height) > MOST_PIXELS:
        raise ValueError(f"{size} At most {MOST_PIXELS:,} × {MOST_PIXELS:,} can be used.")
    if min(width, height) < FEWEST_PIXELS:
        raise ValueError(f"{size} It needs {FEWEST_PIXELS} × {FEWEST_PIXELS} at least.")
    return Head(width, height, depth, colour, bool(interlaced))


def _told(head: Head) -> bytes:
    numbers = (head.width, head.height, head.depth, head.colour, 0, 0, int(head.interlaced))
    return struct.pack(">IIBBBBB", *numbers)


def _require_colours(head: Head, kept: dict[bytes, bytes]) -> None:
    """A palette where one is needed, of a size that can be, and see-through parts that fit it."""
    palette, clear = kept.get(b"PLTE"), kept.get(b"tRNS")
    if (palette is None and head.colour == PALETTE) or (palette and head.colour not in COLOURS):
        raise ValueError(WRONG)
    most = 2**head.depth if head.colour == PALETTE else 256
    if palette is not None and (len(palette) % 3 or not 1 <= len(palette) // 3 <= most):
        raise ValueError(WRONG)
    if clear is not None:
        fits = {0: len(clear) == 2, 2: len(clear) == 6}
        if head.colour == PALETTE:
            fits[PALETTE] = len(clear) <= len(palette or b"") // 3
        if not fits.get(head.colour):
            raise ValueError(WRONG)


def _unpacked(head: Head, packed: bytes) -> bytes:
    """The rows of pixels, each behind the number of its filter; as many as the head promises."""
    lengths = [length + 1 for length in head.rows()]
    unpacking = zlib.decompressobj()
    try:
        pixels = unpacking.decompress(packed, sum(lengths) + 1)
    except zlib.error:
        raise ValueError(WRONG) from None
    if len(pixels) != sum(lengths) or not unpacking.eof:
        raise ValueError(WRONG)
    place = 0
    for length in lengths:
        if pixels[place] > 4:
            raise ValueError(WRONG)
        place += length
    return pixels


def _chunk(kind: bytes, inside: bytes) -> bytes:
    checked = kind + inside
    return struct.pack(">I", len(inside)) + checked + struct.pack(">I", zlib.crc32(checked))
