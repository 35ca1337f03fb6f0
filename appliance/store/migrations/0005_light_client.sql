-- The light client as it stood last, and the checkpoint it began with: another checkpoint is
-- another beginning. What changes every few minutes is apart from what changes once a day, which
-- is ten times as large.
CREATE TABLE light_client (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    checkpoint BLOB    NOT NULL CHECK (length(checkpoint) = 32), -- root of a beacon block
    bridged    INTEGER NOT NULL, -- longest time, in seconds, that it ever went on without news
    position   TEXT    NOT NULL  -- JSON
) STRICT;

CREATE TABLE light_client_committees (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    committees TEXT NOT NULL -- JSON
) STRICT;
