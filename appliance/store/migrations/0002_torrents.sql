CREATE TABLE volumes (
    id    TEXT PRIMARY KEY,
    path  TEXT NOT NULL UNIQUE,
    quota INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE torrents (
    info_hash    BLOB PRIMARY KEY CHECK (length(info_hash) = 20),
    name         TEXT NOT NULL,
    volume       TEXT NOT NULL REFERENCES volumes (id),
    reserved     INTEGER NOT NULL,
    info         BLOB NOT NULL,             -- the info dictionary (BEP 3), as hashed
    have         BLOB NOT NULL,             -- piece bitfield (BEP 3)
    complete     INTEGER NOT NULL DEFAULT 0,-- all pieces there and the content hash checked
    peers        TEXT NOT NULL DEFAULT '',  -- addresses given with the magnet, comma-separated
    added_at     INTEGER NOT NULL,
    requests     INTEGER NOT NULL DEFAULT 0,
    last_request INTEGER NOT NULL DEFAULT 0,
    inflation    REAL    NOT NULL DEFAULT 0,
    other_seeds  INTEGER NOT NULL DEFAULT 0,
    uploaded     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What the owner accepted by magnet link. Outlives failures to fetch it.
CREATE TABLE accepted (
    info_hash BLOB PRIMARY KEY CHECK (length(info_hash) = 20),
    name      TEXT NOT NULL,
    peers     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE refusals (
    info_hash BLOB PRIMARY KEY CHECK (length(info_hash) = 20),
    name      TEXT NOT NULL,
    at        INTEGER NOT NULL,
    protected INTEGER NOT NULL,
    reason    TEXT NOT NULL                 -- JSON of core::RefusalReason
) STRICT, WITHOUT ROWID;
