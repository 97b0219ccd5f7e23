-- A database of schema 3, made by TestFreeze. Frozen: every later version must be
-- able to read it. Its key is in v3.key.
-- sqlite3 .dump, and the pragmas, which that leaves out.
PRAGMA application_id=1481070385;
PRAGMA user_version=3;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('sentinel',X'0187079a7b8f0fd818b8893455d604b686f413b6e1b908836990e1677bd57dd74cba44c1ee');
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
INSERT INTO accounts VALUES(1,'icq.example.org','juliet@example.org',X'0d8f8b349449b30e91af11c5e6d57454ad9204673406f2d11932c07b33828a99',X'011e10c3926a21cb16f7b45724895bfb80838a5b40940fcf59c65b14c63806eb47df8d96d67e3d34da0a5d339e38e7731ce890a4648c43d404f511cce94de25a6567f3557d2d687869f114f7f5694e0b7476837be7ece912764ca3a985b450337a',X'015141b501e8551f19dcb602146d9e8041d5e07dbdac4b2653d3d50805d2ee09aa298f7d2dfd5e08228212',X'01ecf2d5fdecde87b330e0f62b4c1454cee7f2fd2b2ecaf3e58cfb09db0944d50884b320f6',1772362800000000,1772366400000000);
INSERT INTO accounts VALUES(2,'irc.example.org','juliet@example.org',NULL,X'016d26007d5486c66fd96f5ecae641da7c252903d704d436265e81a6a3f503',NULL,NULL,1772366400000000,1772366400000000);
INSERT INTO accounts VALUES(3,'aim.example.org','juliet@example.org',X'b7dd8f10e336c5a7042e7fe7e48ea7ccc93bf6290d829a188dbeeb8b6d58322d',X'01ea735bca21adda515cd18c32b8f6b0a75d3a896594a380f28c0de3874788aac8d36148ab5f1813615791dc4be0',X'014d3e8f015352802ab224ff8bf73bf68faa660375a0de5da1f7625ed010dffc27a6c30dd25e0eefb2c6a9241fd87c49c34599e1fa272c',NULL,1772366400000000,1772366400000000);
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
INSERT INTO contacts VALUES(1,'','','',3,0,0);
INSERT INTO contacts VALUES(1,'200','Rómeo','["Friends","A \"b\""]',12,1,1772366340000000);
INSERT INTO contacts VALUES(1,'300','','',16,0,0);
INSERT INTO contacts VALUES(3,'tybalt','','',2,0,0);
CREATE TABLE archive_rooms (
    id      INTEGER PRIMARY KEY,
    network TEXT NOT NULL,
    user    TEXT NOT NULL, -- whose view it is: they need not be registered
    room    TEXT NOT NULL,
    UNIQUE (network, user, room)
) STRICT;
INSERT INTO archive_rooms VALUES(1,'icq.example.org','juliet@example.org','#room');
INSERT INTO archive_rooms VALUES(2,'icq.example.org','guest@example.org','#room');
CREATE TABLE archive (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    room           INTEGER NOT NULL REFERENCES archive_rooms (id) ON DELETE CASCADE,
    stanza_id      TEXT NOT NULL,
    sealed_payload BLOB NOT NULL,
    created        INTEGER NOT NULL
) STRICT;
INSERT INTO archive VALUES(1,1,'a1',X'019dd24c2ee174bcb93b258e0754fb618da3480f1407267f2ecb996edfd8885fe0641dbe24',1772366400000000);
INSERT INTO archive VALUES(2,2,'a1',X'0193a799b631f9ef88f3ca10b01e9e0d8110b263f39ba946df855913f39fdcf24ac0c9b1d10c19f36445cb79',1772366401000000);
CREATE TABLE IF NOT EXISTS "messages" (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    network        TEXT NOT NULL,
    user           TEXT NOT NULL,
    direction      INTEGER NOT NULL,
    peer           TEXT NOT NULL,
    stanza_id      TEXT NOT NULL,
    sealed_payload BLOB NOT NULL,
    created        INTEGER NOT NULL
) STRICT;
INSERT INTO messages VALUES(2,'icq.example.org','juliet@example.org',1,'200','s1',X'01e837c013095b4f3523aed3f10ddb6615b871622237bf66aae51694f26f6f6e69d07fc05b8e',1772366400000000);
INSERT INTO messages VALUES(3,'icq.example.org','juliet@example.org',2,'300','',X'017c65e028e1103fb200645b32f877e7062990c008b701d74843559320eec9',1772366401000000);
INSERT INTO messages VALUES(4,'icq.example.org','guest@example.org',1,'#room','s2',X'0188705ce8a614a9394f21f7abc309c9a637228253caacb7d3f6d1ce3ba189a87a13e43f757973',1772366400000000);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('messages',4);
INSERT INTO sqlite_sequence VALUES('accounts',3);
INSERT INTO sqlite_sequence VALUES('archive',2);
CREATE INDEX accounts_login ON accounts (network, login_hash) WHERE login_hash IS NOT NULL;
CREATE INDEX archive_order ON archive (room, id);
CREATE UNIQUE INDEX archive_stanza ON archive (room, stanza_id);
CREATE INDEX archive_age ON archive (created);
CREATE INDEX messages_queue ON messages (network, user, direction, id);
COMMIT;
