"""What is agreed to and what is signed, as pure functions: the screen's consent, the JOSE wrapping, the check."""
