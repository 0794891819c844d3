"""What boats do, after Global Fishing Watch's definitions: pure functions over boats' fixes in the order of time."""
