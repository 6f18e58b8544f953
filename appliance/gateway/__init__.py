"""The gateway: carries requests, replies, events and states between the vault's link and an MQTT 5 broker."""
