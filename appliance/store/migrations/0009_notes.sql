-- Sealed notes that lie in rooms' mailboxes. A number is never given twice, whatever was deleted.
CREATE TABLE notes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    room   BLOB    NOT NULL CHECK (length(room) = 16),
    kept   INTEGER NOT NULL, -- Unix seconds
    sealed BLOB    NOT NULL
) STRICT;
CREATE INDEX notes_of_room ON notes (room, number);
