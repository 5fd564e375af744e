"""A service with the unmodified py-oidc-auth in broker mode, on Quart; SIGTERM ends it.

peer.py OPTIONS, as JSON: provider (the discovery document's address), client and secret, store (a file), trusted (issuers), port
(0: a free one), and public: where callers find it, if not at its port. Prints one line of JSON when it listens: url, which is
scheme, host and port of its callers, and version.
"""

import asyncio
import json
import socket
import sys
from importlib.metadata import version

from hypercorn.asyncio import serve
from hypercorn.config import Config
from py_oidc_auth import QuartOIDCAuth
from quart import Quart, jsonify

PREFIX = "/api"

options = json.loads(sys.argv[1])
listener = socket.create_server(("127.0.0.1", options["port"]))
url = options["public"] or f"http://127.0.0.1:{listener.getsockname()[1]}"

app = Quart(__name__)
auth = QuartOIDCAuth(
    client_id=options["client"],
    client_secret=options["secret"],
    discovery_url=options["provider"],
    proxy=url + PREFIX,  # the issuer of its tokens; its keys are found below it
    broker_mode=True,
    broker_store_url="sqlite+aiosqlite:///" + options["store"],
    trusted_issuers=options["trusted"],
)
app.register_blueprint(auth.create_auth_blueprint(prefix=PREFIX))


def said(token):
    return jsonify({"sub": token.sub, "username": token.preferred_username, "email": token.email, "roles": token.roles or []})


@app.get(PREFIX + "/me")
@auth.required()
async def me(token):
    return said(token)


@app.get(PREFIX + "/admin")
@auth.required(claims={"roles": ["admin"]})
async def admin(token):
    return said(token)


@app.get(PREFIX + "/feed")
@auth.optional()
async def feed(token):
    return said(token) if token else jsonify(None)


@app.before_serving
async def ready():
    print(json.dumps({"url": url, "version": version("py-oidc-auth")}), flush=True)


config = Config()
config.bind = [f"fd://{listener.fileno()}"]
config.graceful_timeout = 1
asyncio.run(serve(app, config))
