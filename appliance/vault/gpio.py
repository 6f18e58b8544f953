"""The pin factory of gpiozero: lgpio's, or an error.

What it is: the one place that chooses how pins are reached, for keypad and signals. What it is not: an owner of any
pin. Rule: a factory that somebody put in place is used as it is; else lgpio, and nothing in its stead.
"""

from gpiozero import Device, GPIOZeroError
from gpiozero.pins import Factory

from appliance.errors import KeypadFault


def pin_factory() -> Factory:
    """The pin factory in use, else lgpio's: gpiozero's own choice would fall back in silence (library-facts §3.2).

    Raises:
        KeypadFault: lgpio or its gpiochip is not to be had.
    """
    if Device.pin_factory is None:
        try:
            import lgpio  # noqa: PLC0415 - hardware only, and importing it makes a FIFO and a thread
            from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 - needs lgpio
        except ImportError as error:
            raise KeypadFault("lgpio is not installed") from error
        try:
            Device.pin_factory = LGPIOFactory()
        except (GPIOZeroError, OSError, lgpio.error) as error:
            raise KeypadFault(f"no GPIO: {error}") from error
    return Device.pin_factory
