//! The loops: turns, idle machines, expiring approvals, recovery.
