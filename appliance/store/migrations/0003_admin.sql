-- One row: the box's identity, and either the claim code or the owner's password.
CREATE TABLE owner (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    box_id        BLOB NOT NULL CHECK (length(box_id) = 16),
    claim_code    TEXT,
    password_hash TEXT, -- PHC string
    CHECK ((claim_code IS NULL) <> (password_hash IS NULL))
) STRICT;

CREATE TABLE sessions (
    token_hash       BLOB PRIMARY KEY CHECK (length(token_hash) = 32), -- SHA-256
    authenticated_at INTEGER NOT NULL, -- Unix seconds
    expires_at       INTEGER NOT NULL  -- Unix seconds
) STRICT, WITHOUT ROWID;
