-- Schema 3: messages are kept by user, since users need not be registered.

CREATE TABLE kept (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    network        TEXT NOT NULL,
    user           TEXT NOT NULL,
    direction      INTEGER NOT NULL,
    peer           TEXT NOT NULL,
    stanza_id      TEXT NOT NULL,
    sealed_payload BLOB NOT NULL,
    created        INTEGER NOT NULL
) STRICT;

INSERT INTO kept SELECT m.id, a.network, a.user, m.direction, m.peer, m.stanza_id, m.sealed_payload, m.created
    FROM messages m JOIN accounts a ON a.id = m.account ORDER BY m.id;

-- No ID is ever given twice.
DELETE FROM sqlite_sequence WHERE name = 'kept';
INSERT INTO sqlite_sequence SELECT 'kept', seq FROM sqlite_sequence WHERE name = 'messages';

DROP TABLE messages;
ALTER TABLE kept RENAME TO messages;

CREATE INDEX messages_queue ON messages (network, user, direction, id);
