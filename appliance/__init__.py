"""CPS reader appliance: a card terminal for French health professionals."""

__version__ = "0.1.0"
