-- Votes on proposals: of each voter on each proposal the one with the lowest hash.
CREATE TABLE votes (
    proposal  BLOB    NOT NULL CHECK (length(proposal) = 32),
    voter     BLOB    NOT NULL CHECK (length(voter) = 20),
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    choice    INTEGER NOT NULL CHECK (choice BETWEEN 0 AND 255),
    signature BLOB    NOT NULL CHECK (length(signature) = 65),
    weight    BLOB    NOT NULL CHECK (length(weight) = 16), -- highest byte first
    PRIMARY KEY (proposal, voter)
) STRICT, WITHOUT ROWID;
