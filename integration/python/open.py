"""A browser for Python's webbrowser module: it hands the address to the test, and ends when the test's browser is done."""

import os
import sys
from urllib.request import ProxyHandler, build_opener

try:
    build_opener(ProxyHandler({})).open(os.environ["OIDCAUTH_BROWSER"], sys.argv[1].encode(), timeout=60)
except OSError as error:  # with another status than 0, webbrowser would try the browsers of this machine
    print(error, file=sys.stderr)
