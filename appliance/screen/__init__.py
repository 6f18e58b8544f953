"""The screen: values in, pixels out. Pure; see ``screens.render``."""
