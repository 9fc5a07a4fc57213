-- Where entries stand that are found together: the knowledge of an agent or a swarm, or what is remembered there of
-- one peer.
create table knowledge_shelves (
    id integer primary key autoincrement,
    account_id blob not null references accounts (id),
    owner_kind text not null check (owner_kind in ('agent', 'swarm')),
    owner_id blob not null,
    -- Whom it is about; empty for knowledge.
    peer text not null,
    -- Counts changes, so that copies in memory know whether they are right.
    revision integer not null,
    -- The revision at which something was removed last.
    removed integer not null,
    entries integer not null check (entries >= 0)
) strict;

create unique index knowledge_shelves_of_owner on knowledge_shelves (owner_id, owner_kind, peer);
create index knowledge_shelves_of_account on knowledge_shelves (account_id);

create table knowledge_entries (
    -- Grows and is never used twice: copies in memory know entries by it.
    number integer primary key autoincrement,
    id blob not null unique,
    shelf_id integer not null references knowledge_shelves (id),
    text text not null,
    source text not null,
    -- A JSON object.
    metadata text not null,
    -- SHA-256 of the text.
    digest blob not null,
    created_at integer not null,
    updated_at integer not null
) strict;

create index knowledge_entries_of_shelf on knowledge_entries (shelf_id, id);
create index knowledge_entries_by_number on knowledge_entries (shelf_id, number);
create index knowledge_entries_of_source on knowledge_entries (shelf_id, source);
create index knowledge_entries_by_digest on knowledge_entries (shelf_id, digest);

-- What entries mean to an embedder. Apart from the entries, so that reading texts does not read vectors.
create table knowledge_vectors (
    number integer primary key references knowledge_entries (number),
    shelf_id integer not null references knowledge_shelves (id),
    -- The embedder's name with its dimensions; vectors of other names cannot be compared.
    model text not null,
    -- The shelf's revision when the vector came.
    revision integer not null,
    -- A step as a 32-bit float, then so many steps as 16-bit integers, little endian.
    vector blob not null
) strict;

create index knowledge_vectors_of_shelf on knowledge_vectors (shelf_id, revision, number);

-- The words of entries, each with its shelf's number before it, so that a search reads the words of one shelf only. The
-- texts themselves stand in the entries.
create virtual table knowledge_words using fts5 (
    text, content = '', contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2'
);
