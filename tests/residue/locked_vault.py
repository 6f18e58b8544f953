"""The vault on a kernel without memfd_secret: the locked page. Nothing else is changed."""

import sys

from appliance import secret
from appliance.simulator.vault import main

secret._secret_memory = lambda: None

if __name__ == "__main__":
    sys.exit(main())
