"""A cloud that real clients drive: the lifecycle behind the API that their programs already speak.

It needs the extra `serve`; only the command of that name and the fixture for tests import it.
"""
