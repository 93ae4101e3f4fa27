-- Ids never go back: where the clock did, those from `number` on are `ahead` ms later than it (receiver/lib/ids.py).
CREATE TABLE id_leads (
    number INTEGER PRIMARY KEY,
    ahead  INTEGER NOT NULL
);
