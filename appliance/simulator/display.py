"""An OLED controller, from the bytes on its bus to the pixels on its glass.

What it is: the SSD1306 (Solomon Systech, rev 1.1, §9 and §10) and the SH1106 (Sino Wealth, V2.3) as far as a picture
and its brightness depend on them. What it is not: scrolling, timing. Rule: bytes no panel would understand are an
error, so a driver that sends nonsense is seen; nothing here knows what was meant to be shown.

A picture may come in several windows; it is complete with the DISPLAYON behind them (``vault/oled.py``).
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal

from PIL import Image, ImageChops

from appliance.errors import SimulatorError

WIDTH: Final = 128
HEIGHT: Final = 64
PAGES: Final = 8

_COMMANDS: Final = 0x00
_DATA: Final = 0x40
_HORIZONTAL, _VERTICAL, _PAGE = range(3)

# Operands behind an opcode; an opcode that is in no table has none.
_OPERANDS: Final[dict[int, int]] = {
    **dict.fromkeys((0x20, 0x81, 0x8D, 0xA8, 0xAD, 0xD3, 0xD5, 0xD9, 0xDA, 0xDB), 1),
    **dict.fromkeys((0x21, 0x22, 0xA3), 2),
    **dict.fromkeys((0x29, 0x2A), 5),
    **dict.fromkeys((0x26, 0x27), 6),
}
# Opcodes that change nothing a picture shows: start line, pump voltage, scrolling off and on, no operation.
_INERT: Final = frozenset({*range(0x40, 0x80), *range(0x30, 0x34), 0x2E, 0x2F, 0xE3, *_OPERANDS})


class Panel:
    """One panel of 128x64 pixels.

    Args:
        driver: its controller. The SH1106 has 132 columns; the glass shows those from 2 on, as luma addresses them.
    """

    def __init__(self, driver: Literal["ssd1306", "sh1106"] = "ssd1306") -> None:
        self._paged = driver == "sh1106"
        self._stride, self._left = (132, 2) if self._paged else (WIDTH, 0)
        self._ram = bytearray(self._stride * PAGES)
        self._mode = _PAGE
        self._columns = (0, self._stride - 1)
        self._pages = (0, PAGES - 1)
        self._column = self._page = 0
        self._pending = bytearray()
        self._on = self._inverted = self._all_on = self._upright = self._unmirrored = False
        self._written = False
        self.frames = 0
        """Pictures so far: bytes came, and DISPLAYON behind them."""
        self.contrast = 0x80
        """0 to 255; the controllers wake with 128 (SSD1306 rev 1.1 §9, 81)."""
        self._steps = self._table()

    def write(self, data: bytes) -> bool:
        """Take one transaction, control byte first; True when a picture is complete, or looks otherwise now.

        Raises:
            SimulatorError: a control byte or an opcode the controller does not have.
        """
        if not data or data[0] not in (_COMMANDS, _DATA):
            raise SimulatorError(f"display: control byte {data[:1].hex() or 'missing'}")
        if data[0] == _DATA:
            for byte in data[1:]:
                self._store(byte)
            self._written = True
            return False
        visible, frames = self._visible(), self.frames
        for byte in data[1:]:
            self._pending.append(byte)
            if len(self._pending) > _OPERANDS.get(self._pending[0], 0):
                opcode, *operands = self._pending
                self._pending.clear()
                self._command(opcode, operands)
        return self._visible() != visible or self.frames != frames

    @property
    def lit(self) -> bool:
        """Whether the panel is on; a picture may be dark all the same."""
        return self._on

    def image(self) -> Image.Image:
        """What the glass shows: 128x64, mode ``1``; black while the panel is off."""
        picture = Image.new("1", (WIDTH, HEIGHT), int(self._on and self._all_on))
        if not self._on or self._all_on:
            return picture
        for page in range(PAGES):
            start = page * self._stride + self._left
            # A byte is a column of 8 pixels, lowest bit on top; as an image of 8x128 it lies on its side.
            strip = Image.frombytes("1", (8, WIDTH), bytes(self._ram[start : start + WIDTH]))
            picture.paste(strip.transpose(Image.Transpose.ROTATE_90), (0, page * 8))
        if not self._unmirrored:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if not self._upright:
            picture = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        return ImageChops.invert(picture) if self._inverted else picture

    def _visible(self) -> tuple[bool, ...]:
        return self._on, self._inverted, self._all_on, self._upright, self._unmirrored

    def _command(self, opcode: int, operands: Sequence[int]) -> None:
        step = self._steps.get(opcode)
        if step is not None:
            step(opcode, operands)
        elif opcode not in _INERT:
            raise SimulatorError(f"display: unknown command {opcode:02x}")

    def _table(self) -> dict[int, Callable[[int, Sequence[int]], None]]:
        """Opcode -> step. The modules mount the glass so that A1 and C8 (remapped) show it upright."""
        common: dict[int, Callable[[int, Sequence[int]], None]] = {
            **dict.fromkeys(range(0x10), self._set_column_low),
            **dict.fromkeys(range(0x10, 0x20), self._set_column_high),
            **dict.fromkeys((0xA0, 0xA1, 0xA4, 0xA5, 0xA6, 0xA7, 0xAE, 0xAF, *range(0xC0, 0xD0)), self._set_flag),
            **dict.fromkeys(range(0xB0, 0xB8), self._set_page),
            0x81: self._set_contrast,
        }
        if self._paged:
            return common
        return {**common, 0x20: self._set_mode, 0x21: self._set_columns, 0x22: self._set_pages}

    def _set_column_low(self, opcode: int, _operands: Sequence[int]) -> None:
        self._column = self._column & 0xF0 | opcode & 0x0F

    def _set_column_high(self, opcode: int, _operands: Sequence[int]) -> None:
        self._column = self._column & 0x0F | (opcode & 0x0F) << 4

    def _set_page(self, opcode: int, _operands: Sequence[int]) -> None:
        self._page = opcode & 0x07

    def _set_flag(self, opcode: int, _operands: Sequence[int]) -> None:
        on = bool(opcode & 1)
        match opcode & 0xFE:
            case 0xA0:
                self._unmirrored = on
            case 0xA4:
                self._all_on = on
            case 0xA6:
                self._inverted = on
            case 0xAE:
                self._on = on
                self.frames += on and self._written
                self._written = self._written and not on
            case _:  # C0 to CF
                self._upright = bool(opcode & 0x08)

    def _set_contrast(self, _opcode: int, operands: Sequence[int]) -> None:
        self.contrast = operands[0]

    def _set_mode(self, _opcode: int, operands: Sequence[int]) -> None:
        self._mode = min(operands[0] & 0x03, _PAGE)

    def _set_columns(self, _opcode: int, operands: Sequence[int]) -> None:
        self._columns = _window(operands, WIDTH)
        self._column = self._columns[0]

    def _set_pages(self, _opcode: int, operands: Sequence[int]) -> None:
        self._pages = _window(operands, PAGES)
        self._page = self._pages[0]

    def _store(self, byte: int) -> None:
        if self._column < self._stride:
            self._ram[self._page * self._stride + self._column] = byte
        if self._mode == _VERTICAL:
            self._page, wrapped = _next(self._page, self._pages)
            if wrapped:
                self._column, _ = _next(self._column, self._columns)
        elif self._mode == _HORIZONTAL:
            self._column, wrapped = _next(self._column, self._columns)
            if wrapped:
                self._page, _ = _next(self._page, self._pages)
        else:
            self._column += 1
            if self._column >= self._stride and not self._paged:
                self._column = 0  # SSD1306 §10.1.3: the pointer is reset; the SH1106 stays behind its last column


def terminal(image: Image.Image) -> str:
    """A frame as text for a terminal: 32 lines of 128 half blocks for 128x64 pixels, lit pixels as ink."""
    pixels = image.convert("1").tobytes()
    stride = (image.width + 7) // 8
    rows = [[pixels[y * stride + x // 8] >> (7 - x % 8) & 1 for x in range(image.width)] for y in range(image.height)]
    rows += [[0] * image.width] * (image.height % 2)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join("".join(" ▀▄█"[upper + 2 * lower] for upper, lower in zip(*pair, strict=True)) for pair in pairs)


def _window(operands: Sequence[int], size: int) -> tuple[int, int]:
    start, end = operands
    if not start <= end < size:
        raise SimulatorError(f"display: window {start} to {end} of {size}")
    return start, end


def _next(at: int, window: tuple[int, int]) -> tuple[int, bool]:
    return (window[0], True) if at == window[1] else (at + 1, False)
