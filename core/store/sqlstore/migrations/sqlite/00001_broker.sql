-- +goose Up
CREATE TABLE oidcauth_keys (
	generation INTEGER NOT NULL PRIMARY KEY,
	kid        TEXT    NOT NULL,
	sealed     BLOB    NOT NULL,
	from_ms    INTEGER NOT NULL,
	until_ms   INTEGER NOT NULL
);

-- The large columns come last: a row that is read without them is read without the pages that they take.
CREATE TABLE oidcauth_sessions (
	id               TEXT    NOT NULL PRIMARY KEY,
	kind             TEXT    NOT NULL,
	subject          TEXT    NOT NULL,
	owner            BLOB    NOT NULL,
	provider_session BLOB    NOT NULL,
	current_hash     BLOB    NOT NULL,
	last_hash        BLOB    NOT NULL,
	rotated_ms       INTEGER NOT NULL,
	lease_ms         INTEGER NOT NULL,
	expires_ms       INTEGER NOT NULL,
	started_ms       INTEGER NOT NULL,
	seen_ms          INTEGER NOT NULL,
	idle_ms          INTEGER NOT NULL,
	last_expiry_ms   INTEGER NOT NULL,
	version          INTEGER NOT NULL,
	note             BLOB    NOT NULL,
	data             BLOB    NOT NULL,
	answer           BLOB    NOT NULL
);
CREATE INDEX oidcauth_sessions_expires ON oidcauth_sessions (expires_ms);
CREATE INDEX oidcauth_sessions_idle ON oidcauth_sessions (idle_ms) WHERE idle_ms > -62135596800000;
CREATE INDEX oidcauth_sessions_owner ON oidcauth_sessions (owner, started_ms) WHERE length(owner) > 0;
CREATE INDEX oidcauth_sessions_provider_session ON oidcauth_sessions (provider_session, started_ms) WHERE length(provider_session) > 0;

CREATE TABLE oidcauth_revocations (
	id       TEXT    NOT NULL PRIMARY KEY,
	at_ms    INTEGER NOT NULL,
	until_ms INTEGER NOT NULL
);
CREATE INDEX oidcauth_revocations_at ON oidcauth_revocations (at_ms);
CREATE INDEX oidcauth_revocations_until ON oidcauth_revocations (until_ms);
