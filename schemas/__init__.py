"""What things are: frozen values, with no clock, no disk and no network."""
