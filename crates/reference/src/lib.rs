//! The reference evaluator: slow, plain, every op; the oracle of all tests.
