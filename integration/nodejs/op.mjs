// An OpenID provider for the tests: panva/oidc-provider, everything in memory, loopback only, any free port.
//
// When it listens it prints one line of JSON: {"ready":true,"issuer":...}.
//
// Environment:
//   OP_CALLBACKS  redirect URIs of the clients, separated by spaces
//   OP_LOGOUT     where a logout may send the browser, separated by spaces
//   OP_BACKCHANNEL  where logout tokens for the client web go
//   OP_AUTH       client_secret_post: clients may show their secret in no other way; else client_secret_basic, with
//                 client_secret_post for the client web-post
//   OP_CLIENT_KEYS  where the client web-key publishes its keys: it authenticates with private_key_jwt
//   OP_PUSH       1: authorization requests have to be pushed
//   OP_ACR        levels of logins, separated by spaces: a login has the first one of acr_values that is here, else the first
//   OP_SIGNED     1: introspection answers are signed for clients that accept JWTs (RFC 9701), for web-es256 and web-eddsa with that algorithm
//   OP_JWT        1: access tokens are JWTs for the API, which userinfo refuses; else opaque ones, good for userinfo
//   OP_RESOURCES  resource servers with the scopes orders:read and orders:write, separated by spaces; access tokens for them are JWTs. Clients for
//                 them are mcp, mcp-brief, whose tokens live for OP_BRIEF seconds, and mcp-stray, whose tokens are for the API whatever it asks for
//
// Controls of the tests (POST, no part of OpenID Connect):
//   /_test/rotate          new signing keys come first, the old ones stay published
//   /_test/rotate?drop=1   the old ones are withdrawn
import http from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider, { errors, interactionPolicy } from 'oidc-provider';

const env = process.env;
const AT_TTL = 300;
const RT_TTL = 3600;
const API = 'https://api.example.test';       // the one resource server: JWT access tokens
const resources = (env.OP_RESOURCES ?? '').split(' ').filter(Boolean);
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

// --- users -----------------------------------------------------------------
const users = {
  alice: { name: 'Alice Adams', given_name: 'Alice', family_name: 'Adams', email: 'alice@example.test',
    email_verified: true, preferred_username: 'alice', groups: ['admins', 'staff'], roles: ['editor'] },
  bob: { name: 'Bob Brown', given_name: 'Bob', family_name: 'Brown', email: 'bob@example.test',
    email_verified: false, preferred_username: 'bob', groups: ['staff'], roles: [] },
};

// --- keys ------------------------------------------------------------------
const newKeys = () => ['RS256', 'ES256', 'EdDSA'].map((alg) => {
  const { privateKey } = alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('ed25519');
  return { ...privateKey.export({ format: 'jwk' }), kid: `${alg}-${randomBytes(4).toString('hex')}`, use: 'sig', alg };
});

// --- clients ---------------------------------------------------------------
const callbacks = (env.OP_CALLBACKS ?? '').split(' ');
const logouts = (env.OP_LOGOUT ?? '').split(' ').filter(Boolean);
const postOnly = env.OP_AUTH === 'client_secret_post';
const web = (client_id, more = {}) => ({
  client_id, client_secret: `${client_id}-secret-0123456789abcdef0123456789abcdef`,
  redirect_uris: callbacks,
  post_logout_redirect_uris: logouts,
  grant_types: ['authorization_code', 'refresh_token', DEVICE], response_types: ['code'],
  token_endpoint_auth_method: postOnly ? 'client_secret_post' : 'client_secret_basic', ...more,
});
const signing = (alg) => ({ id_token_signed_response_alg: alg, ...(env.OP_SIGNED ? { introspection_signed_response_alg: alg } : {}) });
const clients = [
  web('web', env.OP_BACKCHANNEL ? { backchannel_logout_uri: env.OP_BACKCHANNEL, backchannel_logout_session_required: true } : {}),
  web('web-es256', signing('ES256')),
  web('web-eddsa', signing('EdDSA')),
  web('web-post', { token_endpoint_auth_method: 'client_secret_post' }),
  ...(env.OP_CLIENT_KEYS ? [web('web-key', { client_secret: undefined, token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: env.OP_CLIENT_ALG, jwks_uri: env.OP_CLIENT_KEYS })] : []),
  ...['cli', ...(resources.length ? ['mcp', 'mcp-brief', 'mcp-stray'] : [])].map((client_id) => ({
    client_id, application_type: 'native', token_endpoint_auth_method: 'none',
    redirect_uris: callbacks, post_logout_redirect_uris: logouts,
    grant_types: ['authorization_code', 'refresh_token', DEVICE], response_types: ['code'] })),
];

// --- storage that outlives a key rotation ----------------------------------
const rows = new Map();
class Store {
  constructor(kind) { this.kind = kind; }
  k(id) { return `${this.kind}:${id}`; }
  async upsert(id, payload, ttl) { rows.set(this.k(id), { payload, until: ttl ? Date.now() + ttl * 1000 : Infinity }); }
  async find(id) {
    const r = rows.get(this.k(id));
    if (!r) return undefined;
    if (r.until < Date.now()) { rows.delete(this.k(id)); return undefined; }
    return r.payload;
  }
  by(test) { for (const [k, r] of rows) if (k.startsWith(`${this.kind}:`) && r.until > Date.now() && test(r.payload)) return r.payload; return undefined; }
  async findByUid(uid) { return this.by((p) => p.uid === uid); }
  async findByUserCode(code) { return this.by((p) => p.userCode === code); }
  async consume(id) { const r = rows.get(this.k(id)); if (r) r.payload.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { rows.delete(this.k(id)); }
  async revokeByGrantId(grantId) { for (const [k, r] of rows) if (k.startsWith(`${this.kind}:`) && r.payload.grantId === grantId) rows.delete(k); }
}

// --- levels of logins ------------------------------------------------------
const levels = (env.OP_ACR ?? '').split(' ').filter(Boolean);
const asked = (params) => `${params.acr_values ?? ''}`.split(' ').filter((level) => levels.includes(level));

// acr_values is a wish for the provider: the operator's policy makes a login of it.
function policy() {
  const { base, Check } = interactionPolicy;
  const prompts = base();
  prompts.get('login').checks.add(new Check('acr_values', 'another level is needed', ({ oidc }) => {
    const wanted = asked(oidc.params);
    return wanted.length > 0 && !wanted.includes(oidc.session.acr) && !oidc.result?.login;
  }));
  return prompts;
}

// Whoever uses the login page has the level that was asked for.
function withLevels(provider) {
  const finish = provider.interactionFinished.bind(provider);
  provider.interactionFinished = async (req, res, result, options) => {
    if (result.login) {
      const { params } = await provider.interactionDetails(req, res);
      result.login.acr = asked(params)[0] ?? levels[0];
    }
    return finish(req, res, result, options);
  };
}

// --- the provider ----------------------------------------------------------
function build(issuer, keys) {
  const provider = new Provider(issuer, {
    adapter: Store,
    clients,
    jwks: { keys },
    ...(postOnly ? { clientAuthMethods: ['client_secret_post', 'none'] } : {}),
    cookies: { keys: ['test-only'] },
    ...(levels.length ? { acrValues: levels, interactions: { policy: policy() } } : {}),
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access'],
    claims: {
      openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups', 'roles'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username'],
    },
    conformIdTokenClaims: false,                       // scope claims go into the ID token too
    findAccount: async (ctx, sub) => ({ accountId: sub, claims: async () => ({ sub, ...(users[sub] ?? { name: sub }) }) }),
    issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: { AccessToken: (ctx, token) => token.resourceServer?.accessTokenTTL ?? AT_TTL, IdToken: 300, RefreshToken: RT_TTL, Grant: RT_TTL,
      Session: RT_TTL, Interaction: 600, DeviceCode: 600, AuthorizationCode: 60 },
    fetch: (url, options) => { delete options.dispatcher; return globalThis.fetch(url, options); }, // its own refuses loopback
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: true },
      ...(env.OP_SIGNED ? { jwtIntrospection: { enabled: true } } : {}),
      ...(env.OP_PUSH ? { pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true } } : {}),
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      userinfo: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => (env.OP_JWT ? API : undefined),
        useGrantedResource: async () => true,
        getResourceServerInfo: async (ctx, resource, client) => {
          if (resources.includes(resource)) {
            return { audience: client.clientId === 'mcp-stray' ? API : resource, scope: 'orders:read orders:write', accessTokenFormat: 'jwt',
              accessTokenTTL: client.clientId === 'mcp-brief' ? Number(env.OP_BRIEF) : AT_TTL, jwt: { sign: { alg: 'RS256' } } };
          }
          if (resource !== API) throw new errors.InvalidTarget();
          return { audience: API, scope: 'api:read api:write', accessTokenFormat: 'jwt', accessTokenTTL: AT_TTL, jwt: { sign: { alg: 'RS256' } } };
        },
      },
    },
    extraTokenClaims: async (ctx, token) => (token.accountId ? { groups: users[token.accountId]?.groups,
      ...(resources.length ? { preferred_username: token.accountId } : {}) } : undefined),
  });

  if (levels.length) withLevels(provider);
  for (const event of ['server_error', 'backchannel.error', 'grant.error', 'authorization.error']) {
    provider.on(event, (...args) => console.error(event, args.find((a) => a instanceof Error)?.stack ?? ''));
  }
  return provider;
}

// --- the listener ----------------------------------------------------------
let keys = newKeys(); let issuer; let handle;
const mount = () => { handle = build(issuer, keys).callback(); };

const server = http.createServer((req, res) => {
  const url = new URL(req.url, 'http://x');
  if (req.method === 'POST' && url.pathname === '/_test/rotate') {
    keys = url.searchParams.get('drop') ? newKeys() : [...newKeys(), ...keys];
    mount();
    res.writeHead(204).end();
    return;
  }
  handle(req, res);
});
server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  mount();
  process.stdout.write(`${JSON.stringify({ ready: true, issuer })}\n`);
});
for (const s of ['SIGTERM', 'SIGINT']) process.on(s, () => process.exit(0));
