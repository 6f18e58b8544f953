"""The SDK for practice software."""
