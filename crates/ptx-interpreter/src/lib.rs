//! Runs PTX text on a CPU, and finds races, stray accesses and what was never written.
