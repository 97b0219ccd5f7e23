-- Schema 2: what was said in rooms.

CREATE TABLE archive_rooms (
    id      INTEGER PRIMARY KEY,
    network TEXT NOT NULL,
    user    TEXT NOT NULL, -- whose view it is: they need not be registered
    room    TEXT NOT NULL,
    UNIQUE (network, user, room)
) STRICT;

CREATE TABLE archive (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    room           INTEGER NOT NULL REFERENCES archive_rooms (id) ON DELETE CASCADE,
    stanza_id      TEXT NOT NULL,
    sealed_payload BLOB NOT NULL,
    created        INTEGER NOT NULL
) STRICT;

CREATE INDEX archive_order ON archive (room, id);
CREATE UNIQUE INDEX archive_stanza ON archive (room, stanza_id);
CREATE INDEX archive_age ON archive (created);
