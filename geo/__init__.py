"""Ground floor: tables, database, fences, rules, alarms and live state; imports nothing above it."""
