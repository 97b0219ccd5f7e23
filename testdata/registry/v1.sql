-- A database of schema 1, as the first version of the gateway wrote it. Frozen:
-- every later version must be able to read it. Its key is in v1.key.
-- sqlite3 .dump, and the pragmas, which that leaves out.
PRAGMA application_id=1481070385;
PRAGMA user_version=1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('sentinel',X'01ca227590aff5644964286281a1734f55ef6e777398ad5c2a908a8d7c8bd0b6dabcb83e82');
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
INSERT INTO accounts VALUES(1,'icq.example.org','juliet@example.org',X'5998afad5affe2aac1681f0441f9a29d7405c4ddee5bda8785ed538f563162cf',X'019c4c10b7f8d5f09e39003cf19f7670a78b775e8d26f91f398827d8920da50c09d7f1fde447b35051f897151fe56a5d26b7db45949c22667f3b107ca6c679bcee545a859d59db4e26f1d50f03b8f9aa35f514bb688debc3ddeadf607318fcac1d',X'01802c94f29f2937fe74b6c48a13f8a3f170b721e55a1ce5e6ba9bd1700f05eb0d57407db582c4eeaaea0d',X'01760fa53aa4a1b75cc848789f58810ae3375bccd61f6f208d865145cf63d980aef34372a3',1772362800000000,1772366400000000);
INSERT INTO accounts VALUES(2,'irc.example.org','juliet@example.org',NULL,X'016d70ee1b62859979bc67a97ecc1c51874efde346479fb26885f63fff1794',NULL,NULL,1772366400000000,1772366400000000);
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
CREATE TABLE messages (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    account        INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    direction      INTEGER NOT NULL,
    peer           TEXT NOT NULL,
    stanza_id      TEXT NOT NULL,
    sealed_payload BLOB NOT NULL,
    created        INTEGER NOT NULL
) STRICT;
INSERT INTO messages VALUES(2,1,1,'200','s1',X'01c6693ef285fd8e65e4027e101dca5cc48b79d2e1abb2e8b8f87f68c4f02a0a2e5535244daf',1772366400000000);
INSERT INTO messages VALUES(3,1,2,'300','',X'0162460ae9f16d49e0d17fc5a2b382de22c340dc80ef31a2240dac2c05db93',1772366401000000);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('accounts',2);
INSERT INTO sqlite_sequence VALUES('messages',3);
CREATE INDEX accounts_login ON accounts (network, login_hash) WHERE login_hash IS NOT NULL;
CREATE INDEX messages_queue ON messages (account, direction, id);
COMMIT;
