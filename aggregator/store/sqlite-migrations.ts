/** Each entry leads from the version of its index to the next; entries are never changed once released. */
export const SQLITE_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  INSERT INTO counter VALUES ('session', 0);

  CREATE TABLE node (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    pool TEXT NOT NULL,
    session INTEGER NOT NULL,
    spool INTEGER,
    agent_version TEXT,
    host_name TEXT,
    machine_id TEXT,
    boot_id TEXT,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    retired_at INTEGER,
    lost INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  -- one life of an agent's spool: (node, epoch)
  CREATE TABLE spool (
    id INTEGER PRIMARY KEY,
    node INTEGER NOT NULL REFERENCES node(id),
    epoch TEXT NOT NULL,
    cursor INTEGER NOT NULL,
    -- the next sequence number the agent announced last
    announced INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    ended_at INTEGER,
    UNIQUE (node, epoch)
  ) STRICT;

  -- id is the order of arrival; (spool, sequence) is (node, epoch, sequence)
  CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node INTEGER NOT NULL REFERENCES node(id),
    spool INTEGER NOT NULL REFERENCES spool(id),
    sequence INTEGER NOT NULL,
    through INTEGER NOT NULL,
    at TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    class TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (spool, sequence)
  ) STRICT;
  CREATE INDEX event_of_node ON event (node, id);
  CREATE INDEX event_of_kind ON event (kind, id);
  CREATE INDEX event_age ON event (received_at);

  CREATE TABLE section (
    node INTEGER NOT NULL REFERENCES node(id),
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    -- the node's clock
    as_of INTEGER NOT NULL,
    -- this program's clock
    since INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (node, name)
  ) STRICT;

  CREATE TABLE section_history (
    node INTEGER NOT NULL REFERENCES node(id),
    name TEXT NOT NULL,
    as_of INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    hash TEXT NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  CREATE INDEX section_history_of ON section_history (node, name, until);
  CREATE INDEX section_history_age ON section_history (until);

  CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    node INTEGER NOT NULL REFERENCES node(id),
    section TEXT NOT NULL,
    key TEXT NOT NULL,
    rank INTEGER NOT NULL,
    node_name TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    severity TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (node, section, key)
  ) STRICT;
  CREATE INDEX item_worst_first ON item (section, rank, node_name, subject, id);
  CREATE INDEX item_of_subject ON item (section, subject, outcome);
  `,
  `
  -- States converge: what is dropped here comes again, in full, when the nodes are connected next.
  DROP TABLE item;
  DROP TABLE section;
  DROP TABLE section_history;

  -- a section's items, compressed: once for all nodes and times that have the same
  CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    data BLOB NOT NULL
  ) STRICT;

  CREATE TABLE section (
    node INTEGER NOT NULL REFERENCES node(id),
    name TEXT NOT NULL,
    body INTEGER NOT NULL REFERENCES body(id),
    -- the node's clock
    as_of INTEGER NOT NULL,
    -- this program's clock
    since INTEGER NOT NULL,
    -- how many items have each rank
    tally TEXT NOT NULL,
    PRIMARY KEY (node, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX section_of_body ON section (body);

  CREATE TABLE section_history (
    id INTEGER PRIMARY KEY,
    node INTEGER NOT NULL REFERENCES node(id),
    name TEXT NOT NULL,
    body INTEGER NOT NULL REFERENCES body(id),
    as_of INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX section_history_of ON section_history (node, name, until);
  CREATE INDEX section_history_age ON section_history (until);
  CREATE INDEX section_history_of_body ON section_history (body);

  -- what items are about: a rule, an image, a file; once for all nodes that have it
  CREATE TABLE thing (
    id INTEGER PRIMARY KEY,
    section TEXT NOT NULL,
    key TEXT NOT NULL,
    subject TEXT NOT NULL,
    UNIQUE (section, key, subject)
  ) STRICT;
  CREATE INDEX thing_of_subject ON thing (section, subject);

  -- the index of all items by what they are about and how bad it is; the items stand in their section
  CREATE TABLE item (
    node INTEGER NOT NULL REFERENCES node(id),
    section TEXT NOT NULL,
    thing INTEGER NOT NULL REFERENCES thing(id),
    rank INTEGER NOT NULL,
    variant TEXT NOT NULL,
    PRIMARY KEY (node, section, thing)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX item_worst_first ON item (section, rank, node, thing);
  CREATE INDEX item_of_thing ON item (thing, rank, node);
  CREATE INDEX node_of_name ON node (name);

  -- id is the order of arrival; (spool, sequence) is (node, epoch, sequence)
  CREATE TABLE arrived (
    id INTEGER PRIMARY KEY,
    spool INTEGER NOT NULL REFERENCES spool(id),
    sequence INTEGER NOT NULL,
    through INTEGER NOT NULL,
    at TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    class TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (spool, sequence)
  ) STRICT;
  INSERT INTO arrived
    SELECT id, spool, sequence, through, at, received_at, kind, class, data FROM event ORDER BY id;
  DROP TABLE event;
  ALTER TABLE arrived RENAME TO event;
  CREATE INDEX event_of_kind ON event (kind, id);

  -- the first event that arrived in an hour, so that a time is found without an index on it
  CREATE TABLE event_hour (hour INTEGER PRIMARY KEY, first INTEGER NOT NULL) STRICT;
  INSERT INTO event_hour SELECT received_at / 3600000, min(id) FROM event GROUP BY 1;
  `,
  `
  -- the item itself, JSON, of the outcomes that are asked for over all nodes; null: it stands in its section alone
  ALTER TABLE item ADD COLUMN item TEXT;
  `,
];
