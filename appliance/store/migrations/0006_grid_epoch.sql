-- The last block at or below the floor whose events changed a row: with the journal's newest block
-- it names the state of the grid.
ALTER TABLE chain_readings ADD COLUMN changed_number INTEGER;
ALTER TABLE chain_readings ADD COLUMN changed_hash BLOB;
ALTER TABLE chain_readings ADD COLUMN changed_timestamp INTEGER;

-- What was read before this column counts as changed by the newest block that cannot be undone.
UPDATE chain_readings SET (changed_number, changed_hash, changed_timestamp) =
    (SELECT number, hash, timestamp FROM chain_blocks
     WHERE reading = chain_readings.id AND number <= floor ORDER BY number DESC LIMIT 1)
WHERE EXISTS (SELECT 1 FROM chain_parcels WHERE reading = chain_readings.id);
