"""A CPS3 made of files, read as cards of every habit would let them be read."""

from card_kit import COUNTER_PIN, COUNTER_PUK, EF_AODF, EF_CDF, EF_DIR, EF_DODF, EF_ODF, EF_PRKDF, EF_SN, OK
from certificate_kit import Profile, certificate


class Folder:
    """Files by path. ``end``: what a READ past the end says."""

    def __init__(self, end="6C", **changed):
        self.end = end
        self.tries = {1: COUNTER_PIN, 2: COUNTER_PUK}
        self.names = {
            "sn": "3F00D003",
            "dir": "3F002F00",
            "odf": "3F0000015031",
            "aodf": "3F0000017001",
            "prkdf": "3F0000017002",
            "cdf": "3F0000017005",
            "dodf": "3F0000017006",
            "signature": "3F000001A001",
            "authentication": "3F000001A002",
        }
        contents = {
            "sn": EF_SN,
            "dir": EF_DIR,
            "odf": EF_ODF,
            "aodf": EF_AODF,
            "prkdf": EF_PRKDF,
            "cdf": EF_CDF,
            "dodf": EF_DODF,
            "signature": certificate(),
            "authentication": certificate(profile=Profile(signature=False)),
        } | changed
        self.files = {self.names[name]: content for name, content in contents.items() if content is not None}
        self.content = b""
        self.count = 0

    def __call__(self, apdu):
        self.count += 1
        match apdu[1]:
            case 0xA4:
                path = apdu[5:].hex().upper()
                if apdu[2] == 0x04 or path == "3F00":
                    return b"\x90\x00"
                self.content = self.files.get(path, b"")
                return b"\x90\x00" if path in self.files else b"\x6a\x82"
            case 0xB0:
                return self.read(int.from_bytes(apdu[2:4]), apdu[4] or 256)
            case _:
                return bytes.fromhex(self.tries[apdu[11]] + OK if apdu[11] in self.tries else "6A88")

    def read(self, at, wanted):
        if at >= len(self.content):
            return bytes.fromhex("6B00" if self.end != "6282" else "6282")
        data = self.content[at : at + wanted]
        if len(data) == wanted or self.end == "9000":
            return data + b"\x90\x00"
        return bytes((0x6C, len(data))) if self.end == "6C" else data + b"\x62\x82"
