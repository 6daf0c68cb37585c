//! Canonicalisation and e-graph rewrites: language, analysis, rules, cost model, extraction.
