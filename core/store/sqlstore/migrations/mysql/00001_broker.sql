-- +goose Up
-- A statement that makes a table ends the transaction that it stands in, so a run that breaks off is repeated from the
-- start: IF NOT EXISTS. Texts that are compared are bytes: every collation of texts leaves something out of account, if
-- only spaces at the end. 64 KiB are one byte more than a BLOB takes.
CREATE TABLE IF NOT EXISTS oidcauth_keys (
	generation BIGINT         NOT NULL PRIMARY KEY,
	kid        VARBINARY(512) NOT NULL,
	sealed     MEDIUMBLOB     NOT NULL,
	from_ms    BIGINT         NOT NULL,
	until_ms   BIGINT         NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS oidcauth_sessions (
	id               VARBINARY(512) NOT NULL PRIMARY KEY,
	kind             VARBINARY(64)  NOT NULL,
	subject          TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	owner            VARBINARY(32)  NOT NULL,
	provider_session VARBINARY(32)  NOT NULL,
	current_hash     MEDIUMBLOB     NOT NULL,
	last_hash        MEDIUMBLOB     NOT NULL,
	rotated_ms       BIGINT         NOT NULL,
	lease_ms         BIGINT         NOT NULL,
	expires_ms       BIGINT         NOT NULL,
	started_ms       BIGINT         NOT NULL,
	seen_ms          BIGINT         NOT NULL,
	idle_ms          BIGINT         NOT NULL,
	last_expiry_ms   BIGINT         NOT NULL,
	version          BIGINT         NOT NULL,
	note             BLOB           NOT NULL,
	data             MEDIUMBLOB     NOT NULL,
	answer           MEDIUMBLOB     NOT NULL,
	KEY oidcauth_sessions_expires (expires_ms),
	KEY oidcauth_sessions_idle (idle_ms),
	KEY oidcauth_sessions_owner (owner, started_ms),
	KEY oidcauth_sessions_provider_session (provider_session, started_ms)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS oidcauth_revocations (
	id       VARBINARY(512) NOT NULL PRIMARY KEY,
	at_ms    BIGINT         NOT NULL,
	until_ms BIGINT         NOT NULL,
	KEY oidcauth_revocations_at (at_ms),
	KEY oidcauth_revocations_until (until_ms)
) ENGINE = InnoDB;
