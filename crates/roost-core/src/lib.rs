//! Use cases, the gate, transactions, events.
