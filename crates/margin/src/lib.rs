//! Accounts, positions, margin, the risk ladder, the ledger and its auditor, in exact integers.
