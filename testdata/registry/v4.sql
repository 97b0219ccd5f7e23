-- A database of schema 4, made by TestFreeze. Frozen: every later version must be
-- able to read it. Its key is in v4.key.
-- sqlite3 .dump, and the pragmas, which that leaves out.
PRAGMA application_id=1481070385;
PRAGMA user_version=4;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('sentinel',X'015aaeca36d96a93112dc0834686f16312034e3a2167f1dd87df2e37def0b8608ea2cde039');
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
INSERT INTO accounts VALUES(1,'icq.example.org','juliet@example.org',X'f48c4c9d07ef3125ac851cbc918473cf0412fc822d52581ebcd0544a9dc2a037',X'01d3ce377cb5569c63a423d3d2a9fb577795de221742901f8717a70729253348aed7d69e0f1adb37681868762300bb2744d3c39362c4d330f5bddd3cd2a0a334a3b36cdcc149eafea1b8eb8c8e9dcd9fdf24cdac3b15749bd7b3c6dd0856a2ffb2',X'01066659b39c7b0bca754ff830004c41eb363c1b9e3759d9213d245c9e969c108b2125a16ac446159c6695',X'016175d004a6d20ba19eff186a14919e13f8038fd3ad037a855f1179c5a5fb01a42efec3fc',1772362800000000,1772366400000000);
INSERT INTO accounts VALUES(2,'irc.example.org','juliet@example.org',NULL,X'01743f1768887f72ae85f006fb468ce312ed653ca38a2766d9ceb019a870f2',NULL,NULL,1772366400000000,1772366400000000);
INSERT INTO accounts VALUES(3,'aim.example.org','juliet@example.org',X'd4c5ee5d2ae8d6be3ca4d1cf3f1640659ad24a91169940d776cc2c87219c274c',X'01e15cf66a0b7b4bd160392bc7a683fb24eb4fe3932ef0c2a824780b90e4aa48a05d930b6717a1e3442eeab69b66',X'015f1c64fa7a79169593e428895c721ac025879177ccd7a6db0b77a3097d43a73a57abadfdb07f7d333e997cc7d8e99e059165c694f609',NULL,1772366400000000,1772366400000000);
CREATE TABLE contacts (
    account      INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    peer         TEXT NOT NULL,
    name         TEXT NOT NULL,
    groups       TEXT NOT NULL, -- JSON array, or empty
    subscription INTEGER NOT NULL,
    listed       INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL, nick TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (account, peer)
) STRICT, WITHOUT ROWID;
INSERT INTO contacts VALUES(1,'','','',3,0,0,'');
INSERT INTO contacts VALUES(1,'200','Rómeo','["Friends","A \"b\""]',12,1,1772366340000000,'');
INSERT INTO contacts VALUES(1,'300','','',16,0,0,'');
INSERT INTO contacts VALUES(3,'tybalt','','',2,0,0,'Tybalt ☃');
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
INSERT INTO archive VALUES(1,1,'a1',X'01b657d87527d237ba3d035045c86574121aa4a5ae1deb367c2702bcc1c5bfff206ddd9a83',1772366400000000);
INSERT INTO archive VALUES(2,2,'a1',X'0129884f3fd2d847e4ae1b5fdba6f42cce809a2a3fa082e9fa050d6203ea2787cf5ae860f5a043c1238f9b85',1772366401000000);
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
INSERT INTO messages VALUES(2,'icq.example.org','juliet@example.org',1,'200','s1',X'015bccd2f4d5d46187326736e3f5fcb7b8f44e7b70982aca9c2def72ef609a8b2c90cc6435a0',1772366400000000);
INSERT INTO messages VALUES(3,'icq.example.org','juliet@example.org',2,'300','',X'01685e94e12f3ef19a1ef562f6469f299bfb3f7b7550fb652dd9f2775f93dd',1772366401000000);
INSERT INTO messages VALUES(4,'icq.example.org','guest@example.org',1,'#room','s2',X'01eff46b9dee032395b8510b0882166306110e827dae3fae9c296c81e430f71bbb284d2d138e29',1772366400000000);
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
