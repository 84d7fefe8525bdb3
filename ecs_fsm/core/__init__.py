"""What a lifecycle is: the table, the machine that runs it, and servers that live by it."""
