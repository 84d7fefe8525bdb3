"""The emulated cloud: servers, a clock, orders, jobs, a state file. It knows nothing of HTTP."""
