"""A control: a vault that never overwrites a digit, with the locked page, which can be read. It must be caught."""

import ctypes
import sys

import locked_vault

from appliance import secret


class Careless:
    """ctypes, but for one call: what would be overwritten with zeros stays."""

    def __getattr__(self, name):
        return getattr(ctypes, name)

    def memset(self, address, value, count):
        return ctypes.memset(address, value, count) if value else address


secret.ctypes = Careless()

if __name__ == "__main__":
    sys.exit(locked_vault.main())
