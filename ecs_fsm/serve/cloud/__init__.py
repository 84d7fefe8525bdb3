"""The emulated cloud itself: servers, a clock, faults and state. It knows nothing of HTTP."""
