//! The store on SQLite: migrations and one file of queries per noun.
