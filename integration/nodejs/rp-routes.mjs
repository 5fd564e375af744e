// openid-client as an OAuth client of an application's own routes: login, token, device and jwks. One line of JSON for
// each check.
//
// Environment:
//   RP_PUBLIC_URL  the application: in broker mode the issuer of its tokens
//   RP_ISSUER      the provider behind it, core/oidctest: the issuer in passthrough mode
//   RP_MODE        broker or passthrough
//   RP_SUBJECT     an access token of the provider, for the exchange
//   RP_PATIENT     1: with the check that takes 10 seconds
//   RP_CONTROL     where the test takes orders to the provider: /no-refresh, /bare-device, /zero-interval, /cut-token,
//                  /heal, and /advance, which moves its clock by an hour; and to the application: /rotate
import assert from 'node:assert/strict';
import * as oidc from 'openid-client';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { DEVICE, challenged, check, control, decide, done, env, login, pause, refused } from './rp.mjs';

const broker = env.RP_MODE === 'broker';
const base = env.RP_PUBLIC_URL;
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS = 'urn:ietf:params:oauth:token-type:access_token';
const minted = broker ? { issuer: base, audience: base, typ: 'JWT' } : { issuer: env.RP_ISSUER, audience: 'app', typ: 'at+jwt' };
const keys = createRemoteJWKSet(new URL(broker ? `${base}/auth/v2/.well-known/jwks.json` : `${env.RP_ISSUER}/jwks`));

let last; // the answer before

// configure is what a program knows of the application, which has no discovery document.
function configure(issuer, client = 'a-program', authentication = oidc.None()) {
  const config = new oidc.Configuration({
    issuer, authorization_endpoint: `${base}/auth/v2/login`, token_endpoint: `${base}/auth/v2/token`,
    device_authorization_endpoint: `${base}/auth/v2/device`, jwks_uri: `${base}/auth/v2/.well-known/jwks.json`,
  }, client, {}, authentication);
  oidc.allowInsecureRequests(config);
  config[oidc.customFetch] = async (...request) => { last = await fetch(...request); return last; };
  return config;
}

// The browser comes back from the provider, so the iss in its address (RFC 9207) is the provider's.
const config = configure(env.RP_ISSUER);

const neverKept = () => assert.deepEqual([last.headers.get('cache-control'), last.headers.get('content-type')], ['no-store', 'application/json']);
const me = async (token) => (await oidc.fetchProtectedResource(config, token, new URL(`${base}/me`), 'GET')).json();
const start = (at = config) => oidc.initiateDeviceAuthorization(at, { scope: 'openid' });

async function codeTokens(at = config, parameters) {
  const { back, checks } = await login(at, parameters);
  return oidc.authorizationCodeGrant(at, back, checks);
}

// good holds an answer of the token route against RFC 6749 section 5.1, and the token against the guard.
async function good(tokens, subject = 'alice') {
  neverKept();
  assert.equal(tokens.token_type, 'bearer');
  assert.ok(Number.isInteger(tokens.expires_in) && tokens.expires_in > 0 && tokens.expires_in <= 3600, `expires_in ${tokens.expires_in}`);
  assert.ok(Math.abs(tokens.expires - Date.now() / 1000 - tokens.expires_in) < 3, `expires ${tokens.expires}, expires_in ${tokens.expires_in}`);
  assert.equal((await me(tokens.access_token)).sub, subject);
}

await check('code with the client\'s own PKCE and state', async () => {
  const tokens = await codeTokens();
  await good(tokens);
  assert.equal(tokens.scope, 'openid profile email');
  assert.ok(tokens.refresh_token);
  assert.equal(tokens.id_token, undefined);
});

await check('the provider\'s iss in the callback is not the application\'s: a client that checks it names the provider as issuer', async () => {
  const strict = configure(base);
  const { back, checks } = await login(strict);
  assert.equal(back.searchParams.get('iss'), env.RP_ISSUER);
  await assert.rejects(oidc.authorizationCodeGrant(strict, back, checks), (e) => e.code === 'OAUTH_INVALID_RESPONSE' && /"iss"/.test(e.cause?.message));
  back.searchParams.delete('iss'); // as from a provider that does not send it
  await good(await oidc.authorizationCodeGrant(strict, back, checks));
});

await check('client authentication is ignored: Basic, parameters', async () => {
  for (const authentication of [oidc.ClientSecretBasic('any'), oidc.ClientSecretPost('any')]) {
    await good(await codeTokens(configure(env.RP_ISSUER, 'another-program', authentication)));
  }
});

await check('offline_access by scope and by parameter', async () => {
  for (const parameters of [{ scope: 'openid offline_access' }, { scope: 'openid', offline_access: 'true' }]) {
    const tokens = await codeTokens(config, parameters);
    assert.deepEqual([tokens.scope, !!tokens.refresh_token], ['openid offline_access', true]);
  }
});

await check('a login that the user refuses: access_denied', async () => {
  const at = await login(config, {}, { deny: '1' });
  await assert.rejects(oidc.authorizationCodeGrant(config, at.back, at.checks),
    (e) => e instanceof oidc.AuthorizationResponseError && e.error === 'access_denied');
});

await check('wrong verifier, a code used twice, a code of nobody: 400 invalid_grant', async () => {
  const wrong = await login(config);
  await refused(oidc.authorizationCodeGrant(config, wrong.back, { ...wrong.checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() }), 'invalid_grant');
  neverKept();
  const twice = await login(config);
  await oidc.authorizationCodeGrant(config, twice.back, twice.checks);
  await refused(oidc.authorizationCodeGrant(config, twice.back, twice.checks), 'invalid_grant');
  const nobody = await login(config);
  nobody.back.searchParams.set('code', 'nonsense');
  await refused(oidc.authorizationCodeGrant(config, nobody.back, nobody.checks), 'invalid_grant');
});

await check('no verifier, another redirect URI', async () => {
  const without = await login(config);
  await refused(oidc.authorizationCodeGrant(config, without.back, { ...without.checks, pkceCodeVerifier: undefined }), 'invalid_request');
  const elsewhere = await login(config);
  elsewhere.back.host = 'evil.example';
  await refused(oidc.authorizationCodeGrant(config, elsewhere.back, elsewhere.checks), 'invalid_grant');
});

await check('access token verified with the published keys by jose', async () => {
  const { access_token: token } = await codeTokens();
  const { payload, protectedHeader } = await jwtVerify(token, keys, { ...minted, algorithms: ['RS256'], requiredClaims: ['sub', 'exp', 'iat', 'jti', 'client_id', 'scope'] });
  assert.ok(protectedHeader.kid);
  assert.deepEqual([payload.sub, payload.email, payload.client_id, payload.scope], ['alice', 'alice@example.org', 'app', 'openid profile email']);
  if (broker) assert.deepEqual(payload.roles.toSorted(), ['/staff/dev', 'admin', 'user']);
  const [head, body, signature] = token.split('.');
  const forged = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url')), sub: 'bob' })).toString('base64url');
  await assert.rejects(jwtVerify(`${head}.${forged}.${signature}`, keys, minted), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
});

await check('the guards: a token passes, nonsense is challenged', async () => {
  const { access_token: token } = await codeTokens();
  const info = await (await oidc.fetchProtectedResource(config, token, new URL(`${base}/auth/v2/userinfo`), 'GET')).json();
  assert.deepEqual([info.username, info.email], ['alice', 'alice@example.org']);
  for (const path of ['/me', '/auth/v2/userinfo']) {
    const challenge = await challenged(oidc.fetchProtectedResource(config, 'nonsense', new URL(base + path), 'GET'));
    assert.deepEqual([challenge.scheme, challenge.error], ['bearer', 'invalid_token']);
  }
});

await check('refresh with rotation, reuse of an old token ends the session: 400 invalid_grant', async () => {
  const first = await codeTokens();
  const second = await oidc.refreshTokenGrant(config, first.refresh_token);
  await good(second);
  const third = await oidc.refreshTokenGrant(config, second.refresh_token, { scope: 'openid' });
  await good(third);
  assert.equal(new Set([first, second, third].map((t) => t.refresh_token)).size, 3);
  await refused(oidc.refreshTokenGrant(config, first.refresh_token), 'invalid_grant');
  neverKept();
  await refused(oidc.refreshTokenGrant(config, third.refresh_token), 'invalid_grant');
});

await check('a refresh token of nobody: 400 invalid_grant', () => refused(oidc.refreshTokenGrant(config, 'nonsense'), 'invalid_grant'));

if (broker) {
  await check('after a key rotation: both keys are published, older tokens verify on', async () => {
    const { access_token: token } = await codeTokens();
    await control('rotate');
    const address = new URL(`${base}/auth/v2/.well-known/jwks.json`);
    const published = (await (await fetch(address)).json()).keys;
    assert.deepEqual(published.map((key) => [key.kty, key.use, key.alg, 'd' in key]), Array(2).fill(['RSA', 'sig', 'RS256', false]));
    assert.equal(new Set(published.map((key) => key.kid)).size, 2);
    for (const each of [token, (await codeTokens()).access_token]) {
      assert.equal((await jwtVerify(each, createRemoteJWKSet(address), minted)).payload.sub, 'alice');
    }
  });
  await check('token exchange (RFC 8693), with a narrower scope', async () => {
    const whole = await oidc.genericGrantRequest(config, EXCHANGE, { subject_token: env.RP_SUBJECT, subject_token_type: ACCESS });
    await good(whole);
    assert.deepEqual([whole.issued_token_type, whole.scope, whole.refresh_token], [ACCESS, 'openid profile email', undefined]);
    const part = await oidc.genericGrantRequest(config, EXCHANGE, { subject_token: env.RP_SUBJECT, subject_token_type: ACCESS, requested_token_type: ACCESS, scope: 'profile', audience: base });
    const { payload } = await jwtVerify(part.access_token, keys, minted);
    assert.deepEqual([part.scope, payload.scope, payload.sub], ['profile', 'profile', 'alice']);
  });
  await check('exchange refused: bad subject, own token, other types, other targets', async () => {
    const own = (await codeTokens()).access_token;
    for (const [form, code] of [
      [{ subject_token: 'nonsense' }, 'invalid_grant'],
      [{ subject_token: own }, 'invalid_grant'],
      [{ subject_token: env.RP_SUBJECT, subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
      [{ subject_token: env.RP_SUBJECT, actor_token: env.RP_SUBJECT }, 'invalid_request'],
      [{ subject_token: env.RP_SUBJECT, audience: 'https://elsewhere.example' }, 'invalid_target'],
      [{}, 'invalid_request'],
    ]) await refused(oidc.genericGrantRequest(config, EXCHANGE, { subject_token_type: ACCESS, ...form }), code);
  });
} else {
  await check('token exchange is not offered: unsupported_grant_type', () => refused(
    oidc.genericGrantRequest(config, EXCHANGE, { subject_token: env.RP_SUBJECT, subject_token_type: ACCESS }), 'unsupported_grant_type'));
}

await check('requests that are none: unsupported_grant_type, invalid_request', async () => {
  await refused(oidc.clientCredentialsGrant(config), 'unsupported_grant_type');
  neverKept();
  await refused(oidc.genericGrantRequest(config, 'password', { username: 'alice', password: 'x' }), 'unsupported_grant_type');
  for (const grant of ['authorization_code', 'refresh_token', DEVICE]) await refused(oidc.genericGrantRequest(config, grant, {}), 'invalid_request');
});

await check('device flow: pending, slow_down, approved, used', async () => {
  const device = await start();
  neverKept();
  assert.deepEqual([device.interval, device.expires_in], [1, 600]);
  assert.ok(device.verification_uri_complete.includes(device.user_code));
  const once = () => oidc.genericGrantRequest(config, DEVICE, { device_code: device.device_code });
  await refused(once(), 'authorization_pending');
  await refused(once(), 'slow_down');
  neverKept();
  await decide(device);
  const tokens = await once();
  await good(tokens);
  await good(await oidc.refreshTokenGrant(config, tokens.refresh_token));
  await refused(once(), 'invalid_grant');
});

await check('device flow: the client polls until the user approves', async () => {
  const device = await start();
  const polled = oidc.pollDeviceAuthorizationGrant(config, device);
  await pause(1500); // one poll finds it pending
  await decide(device, { user: 'bob' });
  await good(await polled, 'bob');
});

await check('device flow: a user who refuses, a code of nobody', async () => {
  const denied = await start();
  await decide(denied, {});
  await refused(oidc.pollDeviceAuthorizationGrant(config, denied), 'access_denied');
  await refused(oidc.genericGrantRequest(config, DEVICE, { device_code: 'nonsense' }), 'invalid_grant');
});

await check('a provider without refresh tokens: the answers have none', async () => {
  await control('no-refresh');
  const tokens = await codeTokens();
  await control('heal');
  await good(tokens);
  assert.equal(tokens.refresh_token, undefined);
});

await check('a provider whose device answer has the required members alone', async () => {
  await control('bare-device');
  const device = await start();
  await control('zero-interval');
  const zero = await start();
  await control('heal');
  assert.deepEqual([device.verification_uri_complete, device.interval], [undefined, 5]);
  assert.ok(zero.interval > 0, `interval ${zero.interval}`);
});

if (env.RP_PATIENT) {
  await check('the provider is away for a moment: the client polls on after Retry-After', async () => {
    const device = await start();
    await decide(device);
    await control('cut-token');
    await good(await oidc.pollDeviceAuthorizationGrant(config, device));
  });
}

await check('device flow: a code that has expired', async () => {
  const device = await start();
  await control('advance'); // last, for the provider's clock stays ahead
  await refused(oidc.genericGrantRequest(config, DEVICE, { device_code: device.device_code }), 'expired_token');
});

done();
