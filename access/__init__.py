"""Who may: what screens and routes are given, and the guard in front of them all."""
