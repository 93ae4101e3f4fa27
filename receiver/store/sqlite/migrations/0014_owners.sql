-- Which dispatcher a running delivery belongs to: a number that a process makes up when it opens the database.
ALTER TABLE deliveries ADD COLUMN owner INTEGER;
