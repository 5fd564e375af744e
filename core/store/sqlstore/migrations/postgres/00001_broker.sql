-- +goose Up
CREATE TABLE oidcauth_keys (
	generation bigint PRIMARY KEY,
	kid        text   COLLATE "C" NOT NULL,
	sealed     bytea  NOT NULL,
	from_ms    bigint NOT NULL,
	until_ms   bigint NOT NULL
);

CREATE TABLE oidcauth_sessions (
	id               text   COLLATE "C" PRIMARY KEY,
	kind             text   COLLATE "C" NOT NULL,
	subject          text   COLLATE "C" NOT NULL,
	owner            bytea  NOT NULL,
	provider_session bytea  NOT NULL,
	current_hash     bytea  NOT NULL,
	last_hash        bytea  NOT NULL,
	rotated_ms       bigint NOT NULL,
	lease_ms         bigint NOT NULL,
	expires_ms       bigint NOT NULL,
	started_ms       bigint NOT NULL,
	seen_ms          bigint NOT NULL,
	idle_ms          bigint NOT NULL,
	last_expiry_ms   bigint NOT NULL,
	version          bigint NOT NULL,
	note             bytea  NOT NULL,
	data             bytea  NOT NULL,
	answer           bytea  NOT NULL
);
CREATE INDEX oidcauth_sessions_expires ON oidcauth_sessions (expires_ms);
CREATE INDEX oidcauth_sessions_idle ON oidcauth_sessions (idle_ms) WHERE idle_ms > -62135596800000;
CREATE INDEX oidcauth_sessions_owner ON oidcauth_sessions (owner, started_ms) WHERE length(owner) > 0;
CREATE INDEX oidcauth_sessions_provider_session ON oidcauth_sessions (provider_session, started_ms) WHERE length(provider_session) > 0;

CREATE TABLE oidcauth_revocations (
	id       text   COLLATE "C" PRIMARY KEY,
	at_ms    bigint NOT NULL,
	until_ms bigint NOT NULL
);
CREATE INDEX oidcauth_revocations_at ON oidcauth_revocations (at_ms);
CREATE INDEX oidcauth_revocations_until ON oidcauth_revocations (until_ms);
