-- The served contracts' storage, rebuilt from their events, to be compared with what a block's state
-- root proves. A reading without it is of no use any more.
CREATE TABLE chain_slots (
    reading  INTEGER NOT NULL REFERENCES chain_readings ON DELETE CASCADE,
    contract INTEGER NOT NULL, -- 0 land, 1 model, 2 placement
    path     BLOB    NOT NULL, -- keccak-256 of the slot
    word     BLOB    NOT NULL, -- big endian, without leading zeros
    PRIMARY KEY (reading, contract, path)
) STRICT, WITHOUT ROWID;

-- The newest block whose state was proved.
ALTER TABLE chain_readings ADD COLUMN proved INTEGER;

DELETE FROM chain_readings;
