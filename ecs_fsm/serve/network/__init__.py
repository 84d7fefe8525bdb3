"""The network service, as Neutron has it."""
