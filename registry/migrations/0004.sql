-- Schema 4: what the network calls a contact, for whom the user has no name.

ALTER TABLE contacts ADD COLUMN nick TEXT NOT NULL DEFAULT '';
