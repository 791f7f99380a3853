/** Each entry leads from the version of its index to the next; entries are never changed once released. */
export const POSTGRES_MIGRATIONS: readonly string[] = [
  `
  CREATE SEQUENCE session_number;

  CREATE TABLE node (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid text COLLATE "C" NOT NULL UNIQUE,
    name text COLLATE "C" NOT NULL,
    pool text NOT NULL,
    session bigint NOT NULL,
    -- the aggregator that the session is with
    replica text,
    spool integer,
    agent_version text,
    host_name text,
    machine_id text,
    boot_id text,
    first_seen bigint NOT NULL,
    last_seen bigint NOT NULL,
    retired_at bigint,
    lost bigint NOT NULL DEFAULT 0,
    -- the transaction that changed the node or what belongs to it, last_seen apart
    changed xid8 NOT NULL DEFAULT pg_current_xact_id()
  );
  CREATE INDEX node_of_name ON node (name);
  CREATE INDEX node_changed ON node (changed);

  -- one life of an agent's spool: (node, epoch)
  CREATE TABLE spool (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node integer NOT NULL REFERENCES node(id),
    epoch text COLLATE "C" NOT NULL,
    cursor bigint NOT NULL,
    announced bigint NOT NULL,
    opened_at bigint NOT NULL,
    ended_at bigint,
    changed xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (node, epoch)
  );
  CREATE INDEX spool_changed ON spool (changed);

  -- (spool, sequence) is (node, epoch, sequence)
  CREATE TABLE event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    spool integer NOT NULL REFERENCES spool(id),
    sequence bigint NOT NULL,
    through bigint NOT NULL,
    at text NOT NULL,
    received_at bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    class text NOT NULL,
    data text NOT NULL,
    UNIQUE (spool, sequence)
  );
  -- longer kinds do not fit an index; no agent of ours has one
  CREATE INDEX event_of_kind ON event (left(kind, 128), id);
  CREATE TABLE event_hour (hour integer PRIMARY KEY, first bigint NOT NULL);

  -- a section's items, compressed: once for all nodes and times that have the same
  CREATE TABLE body (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash text COLLATE "C" NOT NULL UNIQUE,
    data bytea NOT NULL
  );
  ALTER TABLE body ALTER COLUMN data SET STORAGE EXTERNAL;

  CREATE TABLE section (
    node integer NOT NULL REFERENCES node(id),
    name text COLLATE "C" NOT NULL,
    body integer NOT NULL REFERENCES body(id),
    as_of bigint NOT NULL,
    since bigint NOT NULL,
    tally text NOT NULL,
    PRIMARY KEY (node, name)
  );
  CREATE INDEX section_of_body ON section (body);

  CREATE TABLE section_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node integer NOT NULL REFERENCES node(id),
    name text COLLATE "C" NOT NULL,
    body integer NOT NULL REFERENCES body(id),
    as_of bigint NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL
  );
  CREATE INDEX section_history_of ON section_history (node, name, until);
  CREATE INDEX section_history_age ON section_history (until);
  CREATE INDEX section_history_of_body ON section_history (body);

  -- what items are about; the digest stands for section, key and subject, which may be too long for an index
  CREATE TABLE thing (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL UNIQUE,
    section text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL
  );
  CREATE INDEX thing_of_subject ON thing USING hash (subject);

  CREATE TABLE item (
    node integer NOT NULL REFERENCES node(id),
    section text COLLATE "C" NOT NULL,
    thing integer NOT NULL REFERENCES thing(id),
    rank smallint NOT NULL,
    variant text COLLATE "C" NOT NULL,
    PRIMARY KEY (node, section, thing)
  );
  CREATE INDEX item_worst_first ON item (section, rank, node);
  CREATE INDEX item_of_thing ON item (thing, rank, node);

  -- the aggregators that are alive
  CREATE TABLE replica (
    id text PRIMARY KEY,
    seen_at timestamptz NOT NULL
  );

  -- asked by one aggregator of the one a node is connected to
  CREATE TABLE command (
    id uuid PRIMARY KEY,
    replica text NOT NULL,
    uid text NOT NULL,
    verb text NOT NULL,
    arguments text NOT NULL,
    deadline timestamptz NOT NULL,
    taken boolean NOT NULL DEFAULT false,
    answer text
  );
  `,
  `
  -- the item itself, JSON, of the outcomes that are asked for over all nodes; null: it stands in its section alone
  ALTER TABLE item ADD COLUMN item text;
  `,
  `
  -- what aggregators share beside the nodes' reports: tokens, enrolled nodes, authorities, the state of alerts
  CREATE TABLE record (
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    -- null: removed
    text text,
    version bigint NOT NULL,
    PRIMARY KEY (kind, key)
  );
  CREATE INDEX record_version ON record (kind, version);

  -- the one aggregator that does what only one may do, as long as it says so
  CREATE TABLE leader (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    replica text NOT NULL,
    said_at timestamptz NOT NULL
  );
  `,
];
