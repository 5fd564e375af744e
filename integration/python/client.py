"""One authenticate() of the unmodified client; prints what came of it as one line of JSON.

client.py HOST STORE OPTIONS, the options as JSON: force, timeout and ports are the client's own. With stale, the access token in
the store counts as expired first; with spoilt, its refresh token is another one, too. With code, the client's CodeFlow is used.
"""

import asyncio
import json
import logging
import sys
import time
from urllib.parse import urlsplit

import httpx
from py_oidc_auth_client import AuthError, CodeFlow, TokenStore, authenticate


class Requests(logging.Handler):
    """What httpx says of each request that was answered."""

    def __init__(self):
        super().__init__()
        self.list = []

    def emit(self, record):
        if record.msg.startswith("HTTP Request"):
            method, url, _, status, _ = record.args
            self.list.append({"method": method, "path": urlsplit(str(url)).path, "status": status, "at": record.created})


def main():
    host, path = sys.argv[1:3]
    options = json.loads(sys.argv[3])
    requests = Requests()
    logging.getLogger("httpx").addHandler(requests)
    logging.getLogger("httpx").setLevel(logging.INFO)

    store = TokenStore(path)
    if options.get("stale"):
        token = dict(store.get(host))
        token["expires"] = int(time.time()) + 10
        if options.get("spoilt"):
            token["refresh_token"] = token["refresh_token"][::-1]
        store.put(host, token)
    answer = {}
    try:
        force = options.get("force", False)
        more = {"store": store, "timeout": options.get("timeout", 30), "redirect_ports": options.get("ports")}
        if options.get("code"):
            token = asyncio.run(CodeFlow(host, **more).authenticate(force=force))
        else:
            token = authenticate(host, force=force, **more)
        answer["token"] = dict(token)
    except AuthError as error:
        answer.update(error=str(error), status=error.status_code)
    answer["requests"] = list(requests.list)
    answer["stored"] = store.get(host)
    if "token" in answer:
        me = httpx.get(host + "/me", headers=token["headers"])
        answer["me"] = {"status": me.status_code, "body": me.text}
    print("\n" + json.dumps(answer))


main()
