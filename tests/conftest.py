"""What all tests share."""

import signal

pytest_plugins = ["pytester"]

# Whoever starts the tests in the background may have them ignore Ctrl-C, and so their children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
