"""Bake appliance/screen/glyphs.txt from Debian's fonts-terminus-otb.

``python tests/screen/bake_atlas.py /usr/share/fonts/opentype/terminus`` writes the file again, ``--check`` compares.
The product never opens a font: it reads the baked file. Sizes: Terminus 12 normal (6x12), Terminus 16 bold (8x16) and,
for what a clock needs, Terminus 24 bold (12x24).
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ATLAS = Path(__file__).parents[2] / "appliance" / "screen" / "glyphs.txt"
SYSTEM_FONTS = Path("/usr/share/fonts/opentype/terminus")
FRENCH = "éèêëàâäçîïôöùûüÿœæÉÈÊËÀÂÄÇÎÏÔÖÙÛÜŸŒÆ«»€’‘“”–—…°·•"  # noqa: RUF001 - French typography, and told apart by the test of equal pixels
DOSES = "²³µ±×½≤≥§"  # noqa: RUF001 - what a prescription measures with; told apart by the same test
CHARACTERS = "".join(map(chr, range(0x20, 0x7F))) + FRENCH + DOSES
CUTS = (("terminus-normal.otb", 6, 12), ("terminus-bold.otb", 8, 16))
BIG = ("terminus-bold.otb", 12, 24)
BIG_CHARACTERS = "0123456789:-"
# Terminus draws these three with the same pixels; a screen that shows what is signed may not: hyphen 3 (4) pixels wide,
# em dash as wide as the cell, en dash as in the font. Rows by (character, height).
OWN_DASH = {("-", 12): 0x70, ("-", 16): 0x3C, ("—", 12): 0xFC, ("—", 16): 0xFF}
# A mark of the PIN is read at arm's length: the large bullet is 6 pixels wide instead of 4, and as low as digits stand.
OWN_BULLET = bytes(7) + bytes([0x3C, 0x7E, 0x7E, 0x7E, 0x7E, 0x3C]) + bytes(3)
HEADER = """\
# Bitmaps baked by tests/screen/bake_atlas.py: code point, 6x12 cell, 8x16 cell, a byte a row, leftmost pixel highest;
# then for digits, colon and hyphen the 12x24 cell, two bytes a row.
# Derived from Terminus Font, Copyright (c) 2010-2014 Dimitar Toshkov Zhekov, with Reserved Font Name "Terminus Font".
# Changed here: hyphen and em dash, which are drawn apart from the en dash; a larger bullet at 8x16.
# Licensed under the SIL Open Font License, Version 1.1: OFL.txt beside this file.
"""


def draw(font, character, width, height):
    """The rows of one cell, as many whole bytes each as the width takes."""
    cell = Image.new("1", (-(-width // 8) * 8, height))
    pen = ImageDraw.Draw(cell)
    pen.fontmode = "1"
    pen.text((0, 0), character, font=font, fill=1)
    box = cell.getbbox()
    if box and box[2] > width:
        raise SystemExit(f"{character!r} is wider than its cell")
    if (character, height) == ("•", 16):
        return OWN_BULLET
    own = OWN_DASH.get((character, height))
    rows = cell.tobytes()
    return rows if own is None else bytes(own if row else 0 for row in rows)


def bake(fonts):
    """The text of the atlas."""
    *opened, big = [
        (ImageFont.truetype(fonts / name, height, layout_engine=ImageFont.Layout.BASIC), width, height)
        for name, width, height in (*CUTS, BIG)
    ]
    lines = []
    for character in CHARACTERS:
        cuts = [*opened, big] if character in BIG_CHARACTERS else opened
        cells = " ".join(draw(font, character, width, height).hex() for font, width, height in cuts)
        lines.append(f"{ord(character):04x} {cells}\n")
    return HEADER + "".join(lines)


def main(arguments):
    check = "--check" in arguments
    folders = [word for word in arguments if not word.startswith("--")] or [str(SYSTEM_FONTS)]
    text = bake(Path(folders[0]))
    if check:
        return 0 if text == ATLAS.read_text(encoding="utf-8") else 1
    ATLAS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
