// openid-client judges an OpenID provider: core/oidctest. One line of JSON for each check.
//
// Environment:
//   RP_ISSUER   the provider
//   RP_ALG      what it signs with
//   RP_CLIENT, RP_SECRET, RP_PUBLIC   a client with a secret, and one without
//   RP_CONTROL  where the test takes orders: /advance moves the provider's clock by an hour
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as oidc from 'openid-client';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { DEVICE, browse, challenged, check, control, decide, done, env, login, pause, redirectURI, refused } from './rp.mjs';

const { RP_ISSUER: issuer, RP_ALG: alg } = env;

// discover reads the provider's document and demands that ID tokens are signed by its keys.
const discover = (id, authentication, secret) => oidc.discovery(new URL(issuer), id, secret, authentication, {
  execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
});
const basic = await discover(env.RP_CLIENT, oidc.ClientSecretBasic(env.RP_SECRET));
const post = await discover(env.RP_CLIENT, oidc.ClientSecretPost(env.RP_SECRET));
const open = await discover(env.RP_PUBLIC, oidc.None());
const announced = basic.serverMetadata();

async function tokensOf(config, parameters = {}, expected = {}) {
  const at = await login(config, parameters);
  return oidc.authorizationCodeGrant(config, at.back, { ...at.checks, ...expected });
}

await check('discovery document complete (OpenID Connect Discovery section 3)', async () => {
  assert.equal(announced.issuer, issuer);
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint', 'device_authorization_endpoint',
    'introspection_endpoint', 'revocation_endpoint', 'end_session_endpoint']) {
    assert.ok(announced[name]?.startsWith(`${issuer}/`), `${name}: ${announced[name]}`);
  }
  assert.deepEqual(announced.response_types_supported, ['code']);
  assert.deepEqual(announced.response_modes_supported, ['query', 'form_post']);
  assert.deepEqual(announced.subject_types_supported, ['public']);
  assert.deepEqual(announced.id_token_signing_alg_values_supported, [alg]);
  assert.deepEqual(announced.code_challenge_methods_supported, ['S256']);
  assert.deepEqual(announced.grant_types_supported, ['authorization_code', 'refresh_token', DEVICE]);
  assert.deepEqual(announced.token_endpoint_auth_methods_supported, ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']);
  assert.deepEqual(announced.revocation_endpoint_auth_methods_supported, ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']);
  assert.deepEqual(announced.introspection_endpoint_auth_methods_supported, ['client_secret_basic', 'client_secret_post', 'private_key_jwt']);
  assert.equal(announced.authorization_response_iss_parameter_supported, true);
  for (const name of ['request_parameter_supported', 'request_uri_parameter_supported', 'claims_parameter_supported']) {
    assert.equal(announced[name], false, name); // left out, the second means true
  }
  assert.ok(['openid', 'profile', 'email', 'offline_access'].every((scope) => announced.scopes_supported.includes(scope)));
});

await check('key set: public halves alone, each with kid, use and algorithm', async () => {
  const { keys } = await (await fetch(announced.jwks_uri)).json();
  assert.equal(keys.length, 1);
  assert.deepEqual({ use: keys[0].use, alg: keys[0].alg, kid: typeof keys[0].kid }, { use: 'sig', alg, kid: 'string' });
  for (const secret of ['d', 'p', 'q', 'k']) assert.ok(!(secret in keys[0]), secret);
});

for (const [name, config] of [['client_secret_basic', basic], ['client_secret_post', post], ['a public client', open]]) {
  await check(`code with PKCE, state, nonce and iss: ${name}, ID token ${alg}`, async () => {
    const nonce = oidc.randomNonce();
    const at = await login(config, { nonce });
    assert.equal(at.back.searchParams.get('iss'), issuer);
    const tokens = await oidc.authorizationCodeGrant(config, at.back, { ...at.checks, expectedNonce: nonce, idTokenExpected: true });
    const claims = tokens.claims();
    assert.deepEqual({ iss: claims.iss, sub: claims.sub, aud: claims.aud, nonce: claims.nonce },
      { iss: issuer, sub: 'alice', aud: config.clientMetadata().client_id, nonce });
    assert.equal(tokens.token_type, 'bearer');
    assert.equal(tokens.scope, 'openid profile email');
    assert.equal(tokens.expires_in, 300);
    const verified = await jwtVerify(tokens.id_token, createRemoteJWKSet(new URL(announced.jwks_uri)), { issuer, algorithms: [alg] });
    const hash = createHash(alg === 'EdDSA' ? 'sha512' : 'sha256').update(tokens.access_token).digest();
    assert.equal(verified.payload.at_hash, hash.subarray(0, hash.length / 2).toString('base64url'));
  });
}

await check('claims: those that it announces are in ID token or userinfo, and no others', async () => {
  const tokens = await tokensOf(basic, { nonce: 'n-0S6_WzA2Mj' }, { expectedNonce: 'n-0S6_WzA2Mj' });
  const info = await oidc.fetchUserInfo(basic, tokens.access_token, 'alice');
  assert.deepEqual(Object.keys({ ...tokens.claims(), ...info }).sort(), [...announced.claims_supported].sort());
});

await check('without openid: an OAuth answer without an ID token', async () => {
  const tokens = await tokensOf(basic, { scope: 'profile' });
  assert.equal(tokens.id_token, undefined);
  assert.equal(tokens.scope, 'profile');
  const challenge = await challenged(oidc.fetchUserInfo(basic, tokens.access_token, 'alice'), 403);
  assert.deepEqual([challenge.scheme, challenge.error, challenge.scope], ['bearer', 'insufficient_scope', 'openid']);
});

await check('prompt=none without a session: login_required, max_age: auth_time', async () => {
  const at = await login(basic, { prompt: 'none' });
  await assert.rejects(oidc.authorizationCodeGrant(basic, at.back, at.checks),
    (e) => e instanceof oidc.AuthorizationResponseError && e.error === 'login_required');
  const tokens = await tokensOf(basic, { max_age: '60', prompt: 'login' }, { maxAge: 60 });
  assert.ok(Math.abs(tokens.claims().auth_time - Date.now() / 1000) < 30, `${tokens.claims().auth_time}`);
});

await check('a user who refuses: access_denied', async () => {
  const at = await login(basic, {}, { deny: '1' });
  await assert.rejects(oidc.authorizationCodeGrant(basic, at.back, at.checks),
    (e) => e instanceof oidc.AuthorizationResponseError && e.error === 'access_denied');
});

for (const [what, parameters, code] of [
  ['response_type=token', { response_type: 'token' }, 'unsupported_response_type'],
  ['response_mode=fragment', { response_mode: 'fragment' }, 'invalid_request'],
  ['a request object', { response_type: 'code', request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
  ['a request_uri', { response_type: 'code', request_uri: 'urn:example:1' }, 'request_uri_not_supported'],
  ['a registration', { registration: '{}' }, 'registration_not_supported'],
  ['PKCE with plain', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['prompt=none with another', { prompt: 'none login' }, 'invalid_request'],
]) {
  await check(`not announced, and refused: ${what}`, async () => {
    const { back } = await login(basic, parameters);
    assert.deepEqual([back.searchParams.get('error'), back.searchParams.get('code'), back.searchParams.get('iss')], [code, null, issuer]);
  });
}

await check('a public client without PKCE is refused', async () => {
  const back = await browse(oidc.buildAuthorizationUrl(open, { redirect_uri: redirectURI, scope: 'openid', state: 's' }));
  assert.deepEqual([back.searchParams.get('error'), back.searchParams.get('state')], ['invalid_request', 's']);
});

await check('wrong secret: 401 invalid_client, by Basic and by parameters', async () => {
  for (const authentication of [oidc.ClientSecretBasic('wrong'), oidc.ClientSecretPost('wrong')]) {
    const config = await discover(env.RP_CLIENT, authentication);
    const challenge = await challenged(oidc.refreshTokenGrant(config, 'x'));
    assert.deepEqual([challenge.scheme, challenge.body.error], ['basic', 'invalid_client']);
  }
});

await check('wrong code verifier, no verifier, another redirect URI: invalid_grant', async () => {
  for (const change of [{ pkceCodeVerifier: oidc.randomPKCECodeVerifier() }, { pkceCodeVerifier: undefined }]) {
    const at = await login(basic);
    await refused(oidc.authorizationCodeGrant(basic, at.back, { ...at.checks, ...change }), 'invalid_grant');
  }
  const at = await login(basic);
  at.back.port = '53101';
  await refused(oidc.authorizationCodeGrant(basic, at.back, at.checks), 'invalid_grant');
});

await check('a code of another client: invalid_grant', async () => {
  const at = await login(basic);
  await refused(oidc.authorizationCodeGrant(open, at.back, at.checks), 'invalid_grant');
});

await check('a code used twice: invalid_grant, and its tokens end', async () => {
  const at = await login(basic);
  const tokens = await oidc.authorizationCodeGrant(basic, at.back, at.checks);
  await refused(oidc.authorizationCodeGrant(basic, at.back, at.checks), 'invalid_grant');
  await refused(oidc.refreshTokenGrant(basic, tokens.refresh_token), 'invalid_grant');
  assert.equal((await oidc.tokenIntrospection(basic, tokens.access_token)).active, false);
});

await check('token requests that are none: unsupported_grant_type, invalid_request', async () => {
  await refused(oidc.genericGrantRequest(basic, 'password', { username: 'alice' }), 'unsupported_grant_type');
  await refused(oidc.clientCredentialsGrant(basic), 'unsupported_grant_type');
  for (const grant of ['authorization_code', 'refresh_token', DEVICE]) await refused(oidc.genericGrantRequest(basic, grant, {}), 'invalid_request');
});

await check('refresh with rotation, a narrower scope, and reuse detection', async () => {
  const first = await tokensOf(open);
  const second = await oidc.refreshTokenGrant(open, first.refresh_token);
  assert.ok(second.refresh_token && second.refresh_token !== first.refresh_token, 'not rotated');
  assert.notEqual(second.access_token, first.access_token);
  assert.deepEqual([second.claims().sub, second.claims().auth_time, second.claims().nonce], ['alice', first.claims().auth_time, undefined]);
  await refused(oidc.refreshTokenGrant(open, second.refresh_token, { scope: 'openid admin' }), 'invalid_scope');
  const third = await oidc.refreshTokenGrant(open, second.refresh_token, { scope: 'openid' });
  assert.equal(third.scope, 'openid');
  await refused(oidc.refreshTokenGrant(open, first.refresh_token), 'invalid_grant');
  await refused(oidc.refreshTokenGrant(open, third.refresh_token), 'invalid_grant'); // the family has ended
});

await check('userinfo: the subject of the ID token, a bad token is challenged', async () => {
  const tokens = await tokensOf(basic);
  const info = await oidc.fetchUserInfo(basic, tokens.access_token, tokens.claims().sub);
  assert.deepEqual([info.email, info.name, info.groups], ['alice@example.org', 'Alice Adams', ['/staff/dev']]);
  const challenge = await challenged(oidc.fetchUserInfo(basic, 'nonsense', 'alice'));
  assert.deepEqual([challenge.scheme, challenge.error], ['bearer', 'invalid_token']);
  const bare = await fetch(announced.userinfo_endpoint);
  assert.deepEqual([bare.status, /error=/.test(bare.headers.get('www-authenticate'))], [401, false]); // RFC 6750 section 3.1
});

await check('introspection: access and refresh tokens, which a public client may not ask about', async () => {
  const tokens = await tokensOf(basic);
  const access = await oidc.tokenIntrospection(basic, tokens.access_token);
  assert.deepEqual([access.active, access.sub, access.client_id, access.scope], [true, 'alice', env.RP_CLIENT, 'openid profile email']);
  assert.ok(access.exp > Date.now() / 1000);
  assert.equal((await oidc.tokenIntrospection(post, tokens.refresh_token)).active, true);
  assert.deepEqual(await oidc.tokenIntrospection(basic, 'nonsense'), { active: false });
  assert.equal((await challenged(oidc.tokenIntrospection(open, tokens.access_token))).body.error, 'invalid_client');
});

await check('revocation: access token alone, refresh token with all, unknown ones are fine', async () => {
  const tokens = await tokensOf(basic);
  await oidc.tokenRevocation(post, tokens.access_token);
  assert.deepEqual(await oidc.tokenIntrospection(basic, tokens.access_token), { active: false });
  const next = await oidc.refreshTokenGrant(basic, tokens.refresh_token);
  await oidc.tokenRevocation(basic, next.refresh_token, { token_type_hint: 'refresh_token' });
  await refused(oidc.refreshTokenGrant(basic, next.refresh_token), 'invalid_grant');
  await challenged(oidc.fetchUserInfo(basic, next.access_token, 'alice'));
  await oidc.tokenRevocation(open, 'nonsense');
});

await check('RP-initiated logout: the URL is taken, the login ends, state comes back', async () => {
  const tokens = await tokensOf(basic);
  const bye = 'http://127.0.0.1:53100/bye';
  const url = oidc.buildEndSessionUrl(basic, { id_token_hint: tokens.id_token, post_logout_redirect_uri: bye, state: 'out' });
  const answer = await fetch(url, { redirect: 'manual' });
  assert.deepEqual([answer.status, answer.headers.get('location')], [303, `${bye}?state=out`]);
  await refused(oidc.refreshTokenGrant(basic, tokens.refresh_token), 'invalid_grant');
  const foreign = oidc.buildEndSessionUrl(open, { id_token_hint: tokens.id_token, post_logout_redirect_uri: bye });
  assert.equal((await fetch(foreign, { redirect: 'manual' })).status, 400);
});

for (const [name, config] of [['with a secret', basic], ['public', open]]) {
  await check(`device flow, client ${name}: pending, slow_down, approved, used`, async () => {
    const start = await oidc.initiateDeviceAuthorization(config, { scope: 'openid profile' });
    assert.deepEqual([start.interval, start.expires_in], [1, 600]);
    assert.ok(start.verification_uri_complete.includes(start.user_code), start.verification_uri_complete);
    const once = () => oidc.genericGrantRequest(config, DEVICE, { device_code: start.device_code });
    await refused(once(), 'authorization_pending');
    await refused(once(), 'slow_down');
    await decide(start);
    const tokens = await once();
    assert.deepEqual([tokens.scope, tokens.claims().sub], ['openid profile', 'alice']);
    await refused(once(), 'invalid_grant');
    await oidc.refreshTokenGrant(config, tokens.refresh_token);
  });
}

await check('device flow: the client polls until the user approves', async () => {
  const start = await oidc.initiateDeviceAuthorization(open, { scope: 'openid' });
  const polled = oidc.pollDeviceAuthorizationGrant(open, start);
  await pause(1500); // one poll finds it pending
  await decide(start, { user: 'bob' });
  assert.equal((await polled).claims().sub, 'bob');
});

await check('device flow: a user who refuses, and a code that has expired', async () => {
  const denied = await oidc.initiateDeviceAuthorization(open, { scope: 'openid' });
  await decide(denied, {});
  await refused(oidc.pollDeviceAuthorizationGrant(open, denied), 'access_denied');
  const late = await oidc.initiateDeviceAuthorization(open, { scope: 'openid' });
  await control('advance'); // last, for the provider's clock stays ahead
  await refused(oidc.genericGrantRequest(open, DEVICE, { device_code: late.device_code }), 'expired_token');
});

done();
