"""Commands of ``appliance`` for people who install, test or mend a box: they read, measure and tell."""
