-- What the box has read from the chain. A reading is one pass over the contracts' events from the
-- deployment on; while a second one is under way (the chain was replaced) the first is still served.
CREATE TABLE chain_readings (
    id            INTEGER PRIMARY KEY,
    source        TEXT    NOT NULL,            -- chain, contracts and first block it reads
    complete      INTEGER NOT NULL DEFAULT 0,  -- 1 once it has reached the head
    floor         INTEGER NOT NULL DEFAULT 0,  -- lowest block that can be gone back to
    tip_number    INTEGER,                     -- the block its rows are the state of
    tip_hash      BLOB,
    tip_timestamp INTEGER,
    observed_at   INTEGER                      -- when an endpoint last confirmed the tip
) STRICT;

-- Blocks whose hash is remembered: the undoable ones and the first.
CREATE TABLE chain_blocks (
    reading   INTEGER NOT NULL REFERENCES chain_readings ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    timestamp INTEGER NOT NULL,
    PRIMARY KEY (reading, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE chain_parcels (
    reading INTEGER NOT NULL REFERENCES chain_readings ON DELETE CASCADE,
    id      INTEGER NOT NULL, -- token ID
    owner   BLOB    NOT NULL,
    PRIMARY KEY (reading, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE chain_models (
    reading      INTEGER NOT NULL REFERENCES chain_readings ON DELETE CASCADE,
    id           INTEGER NOT NULL, -- token ID
    info_hash    BLOB    NOT NULL,
    content_hash BLOB    NOT NULL,
    size         INTEGER NOT NULL, -- bytes; 64 bits unsigned, stored as signed
    gate         BLOB,
    name         TEXT    NOT NULL,
    sources      TEXT    NOT NULL,
    PRIMARY KEY (reading, id)
) STRICT, WITHOUT ROWID;

-- Apart from chain_models because the token's first Transfer comes before its publication.
CREATE TABLE chain_model_owners (
    reading INTEGER NOT NULL REFERENCES chain_readings ON DELETE CASCADE,
    id      INTEGER NOT NULL,
    owner   BLOB    NOT NULL,
    PRIMARY KEY (reading, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE chain_placements (
    reading INTEGER NOT NULL REFERENCES chain_readings ON DELETE CASCADE,
    id      INTEGER NOT NULL,
    parcel  INTEGER NOT NULL, -- token ID
    model   INTEGER NOT NULL,
    x       INTEGER NOT NULL,
    y       INTEGER NOT NULL,
    z       INTEGER NOT NULL,
    qx      INTEGER NOT NULL,
    qy      INTEGER NOT NULL,
    qz      INTEGER NOT NULL,
    qw      INTEGER NOT NULL,
    scale   INTEGER NOT NULL,
    PRIMARY KEY (reading, id)
) STRICT, WITHOUT ROWID;

-- How rows were before each change, for undoing what a reorganisation takes back.
CREATE TABLE chain_undo (
    sequence INTEGER PRIMARY KEY,
    reading  INTEGER NOT NULL REFERENCES chain_readings ON DELETE CASCADE,
    block    INTEGER NOT NULL,
    before   TEXT    NOT NULL -- JSON
) STRICT;
CREATE INDEX chain_undo_by_block ON chain_undo (reading, block);

CREATE TABLE chain_wallets (
    address BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
