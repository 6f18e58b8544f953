"""The link between vault and gateway: message types (pure) and the channel that carries them."""
