"""The volume service, as Cinder has it."""
