-- +goose Up
CREATE TABLE oidcauth_keys (
	generation INTEGER NOT NULL PRIMARY KEY,
	kid        TEXT    NOT NULL,
	sealed     BLOB    NOT NULL,
	from_ms    INTEGER NOT NULL,
	until_ms   INTEGER NOT NULL
);

CREATE TABLE oidcauth_sessions (
	id             TEXT    NOT NULL PRIMARY KEY,
	subject        TEXT    NOT NULL,
	current_hash   BLOB    NOT NULL,
	last_hash      BLOB    NOT NULL,
	data           BLOB    NOT NULL,
	answer         BLOB    NOT NULL,
	rotated_ms     INTEGER NOT NULL,
	lease_ms       INTEGER NOT NULL,
	expires_ms     INTEGER NOT NULL,
	started_ms     INTEGER NOT NULL,
	last_expiry_ms INTEGER NOT NULL,
	version        INTEGER NOT NULL
);
CREATE INDEX oidcauth_sessions_expires ON oidcauth_sessions (expires_ms);

CREATE TABLE oidcauth_revocations (
	id       TEXT    NOT NULL PRIMARY KEY,
	at_ms    INTEGER NOT NULL,
	until_ms INTEGER NOT NULL
);
CREATE INDEX oidcauth_revocations_at ON oidcauth_revocations (at_ms);
CREATE INDEX oidcauth_revocations_until ON oidcauth_revocations (until_ms);
