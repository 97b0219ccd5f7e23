-- Schema 1. Never edit a migration that has been released: add the next one.
-- Columns called sealed_… hold: one byte key version, nonce, AES-256-GCM.
-- Times are microseconds since 1970, 0 when there is none.

PRAGMA application_id = 0x58475731; -- XGW1

CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    network        TEXT NOT NULL,
    user           TEXT NOT NULL,
    login_hash     BLOB,
    sealed_fields  BLOB NOT NULL,
    sealed_options BLOB,
    sealed_state   BLOB,
    created        INTEGER NOT NULL,
    updated        INTEGER NOT NULL,
    UNIQUE (network, user)
) STRICT;

CREATE INDEX accounts_login ON accounts (network, login_hash) WHERE login_hash IS NOT NULL;

CREATE TABLE contacts (
    account      INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    peer         TEXT NOT NULL,
    name         TEXT NOT NULL,
    groups       TEXT NOT NULL, -- JSON array, or empty
    subscription INTEGER NOT NULL,
    listed       INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    PRIMARY KEY (account, peer)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    account        INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    direction      INTEGER NOT NULL,
    peer           TEXT NOT NULL,
    stanza_id      TEXT NOT NULL,
    sealed_payload BLOB NOT NULL,
    created        INTEGER NOT NULL
) STRICT;

CREATE INDEX messages_queue ON messages (account, direction, id);
