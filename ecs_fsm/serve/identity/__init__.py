"""The identity service, as Keystone has it."""
