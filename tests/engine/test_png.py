"""A picture that somebody sends: kept as nothing but its pixels, or refused in a sentence."""

import random
import time
import tracemalloc
import zlib

import pytest
from drawings import SIGNATURE, chunk, head, picture, png, rows

from workflows.engine import png as ours
from workflows.engine.refusals import Invalid

PALETTE = chunk(b"PLTE", bytes(range(12)))
PIXELS = chunk(b"IDAT", zlib.compress(rows()))
SECRET = b"taken at 52.5 north by Ines"
DAMAGED = [
    SIGNATURE, picture()[:-1], picture()[:-12], picture().replace(b"IDAT", b"IDAU"),
    png(), png(PIXELS), png(PIXELS, head()), png(head(), head(), PIXELS), png(head()),
    png(head(colour=3), PIXELS), png(head(colour=5), PIXELS), png(head(depth=7), PIXELS),
    png(head(interlaced=2), PIXELS), png(head(), PALETTE, PALETTE, PIXELS),
    png(head(), PIXELS, PALETTE), png(head(), chunk(b"ZZZZ", b""), PIXELS),
    png(head(), chunk(b"PLTE", b"ab"), PIXELS), png(head(), chunk(b"tRNS", b"a"), PIXELS),
    png(head(colour=0), chunk(b"PLTE", bytes(3)), PIXELS), png(head(), chunk(b"I\0AT", b"")),
    png(head(colour=3, depth=1), PALETTE, chunk(b"IDAT", zlib.compress(rows(depth=1, colour=3)))),
    png(head(), chunk(b"IDAT", b"no zlib")), png(head(), chunk(b"IDAT", zlib.compress(rows()[1:]))),
    png(head(), chunk(b"IDAT", zlib.compress(rows() + b"\0"))),
    png(head(), chunk(b"IDAT", zlib.compress(rows())[:-3])),
    png(head(), chunk(b"IDAT", zlib.compress(b"\5" + rows()[1:]))),
    png(chunk(b"IHDR", b"short"), PIXELS), SIGNATURE + b"\xff\xff\xff\xffIHDR" + bytes(40),
]  # fmt: skip


def why_not(content):
    with pytest.raises(Invalid) as refusal:
        ours.rewrite(content)
    return refusal.value.fields["file"]


@pytest.mark.parametrize("size", [
    {}, {"colour": 6}, {"colour": 0}, {"colour": 4}, {"colour": 6, "depth": 16},
    {"colour": 0, "depth": 1}, {"width": 1024, "height": 16}, {"width": 33, "height": 17},
], ids=str)  # fmt: skip
def test_a_right_picture_is_kept_with_every_pixel(size):
    content = picture(**size)

    kept = ours.rewrite(content)

    assert kept.startswith(SIGNATURE)
    assert pixels(kept) == rows(**size)
    assert ours.rewrite(kept) == kept


def pixels(content):
    [packed] = [inside for kind, inside in ours._chunks(content) if kind == b"IDAT"]
    return zlib.decompress(packed)


def test_a_palette_stays_with_what_is_see_through():
    size = {"colour": 3, "depth": 2}

    kept = ours.rewrite(picture(PALETTE + chunk(b"tRNS", b"\0\xff"), **size))

    kinds = [kind for kind, _ in ours._chunks(kept)]
    assert kinds == [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"]


def test_an_interlaced_picture_has_its_seven_passes():
    sizes = [(4, 4), (4, 4), (8, 4), (8, 8), (16, 8), (16, 16), (32, 16)]
    inside = b"".join((b"\0" + b"\x40" * 3 * across) * down for across, down in sizes)

    kept = ours.rewrite(png(head(interlaced=1), chunk(b"IDAT", zlib.compress(inside))))

    assert pixels(kept) == inside


def test_what_is_no_pixel_is_gone():
    texts = chunk(b"tEXt", SECRET) + chunk(b"eXIf", SECRET) + chunk(b"iCCP", SECRET)
    frames = chunk(b"acTL", bytes(8)) + chunk(b"fdAT", SECRET)
    content = picture(texts + frames) + b"<script>alert(1)</script>" + SECRET

    kept = ours.rewrite(content)

    assert SECRET not in kept
    assert b"script" not in kept
    assert kept == ours.rewrite(picture())


@pytest.mark.parametrize(("content", "sentence"), [
    (b"", "Choose a PNG file."),
    (b"\xff\xd8\xff\xe0", "This file is JPEG. Save it as PNG."),
    (b"RIFF....WEBP", "This file is WebP. Save it as PNG."),
    (b"  <svg onload='alert(1)'/>", "This file is SVG. Save it as PNG."),
    (b"<?xml version='1.0'?><svg/>", "This file is SVG. Save it as PNG."),
    (b"MZ\x90\0", "This is not a PNG file."),
    (picture(width=15), "This picture has 15 × 32 pixels. It needs 16 × 16 at least."),
    (png(head(width=0)), "This picture has 0 × 32 pixels. It needs 16 × 16 at least."),
    (png(head(width=2**32 - 1, height=2**32 - 1)),
     "This picture has 4,294,967,295 × 4,294,967,295 pixels. At most 1,024 × 1,024 can be used."),
    (SIGNATURE + bytes(500_000), "This file is larger than 500 kB. Make it smaller."),
], ids=lambda it: str(it)[:30])  # fmt: skip
def test_what_cannot_be_used_says_why(content, sentence):
    assert why_not(content) == sentence


def test_a_damaged_picture_is_refused():
    for place, content in enumerate(DAMAGED):
        assert why_not(content) == "This picture is damaged. Save it again as PNG.", place


def test_a_small_file_does_not_become_a_large_one():
    bomb = zlib.compress(bytes(50_000_000), 9)
    tracemalloc.start()

    why = why_not(png(head(), chunk(b"IDAT", bomb)))

    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert why == "This picture is damaged. Save it again as PNG."


def test_a_picture_is_packed_anew_without_a_long_search():
    """At its hardest, zlib looks at four thousand places for each byte of these: for seconds."""
    dice = random.Random(20261126)
    row = lambda: b"\0" + b"".join(dice.choice((b"aaaa", b"aaab")) for _ in range(256))  # noqa: E731
    inside = b"".join(row() for _ in range(1024))
    content = png(head(256, 1024, colour=6), chunk(b"IDAT", zlib.compress(inside)))

    began = time.process_time()
    kept = ours.rewrite(content)
    ours_took, began = time.process_time() - began, time.process_time()
    zlib.compress(inside, 9)

    assert pixels(kept) == inside
    assert ours_took < (time.process_time() - began) / 2


def test_what_is_much_larger_packed_anew_is_not_kept():
    dice = random.Random(20261126)
    row = b"\0" + bytes(dice.choice(b"\1\2") for _ in range(8 * 1024))
    packed = zlib.compress(row * 1024, 9)
    content = png(head(1024, 1024, colour=6, depth=16), chunk(b"IDAT", packed))

    assert len(content) < 100_000
    assert why_not(content) == "This picture is too large. Save it with fewer pixels."


def test_whatever_is_changed_in_a_picture_it_is_kept_or_refused():
    dice, content = random.Random(20261126), picture(PALETTE + chunk(b"tEXt", b"x" * 40))
    kept, refused = [], 0
    for _ in range(3000):
        broken = bytearray(content)
        for _ in range(dice.randint(1, 4)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        if dice.random() < 0.3:
            del broken[dice.randrange(len(broken)) :]
        try:
            kept.append(ours.rewrite(bytes(broken)))
        except Invalid:
            refused += 1

    assert refused > 2900
    assert kept
    assert all(pixels(one) for one in kept)
