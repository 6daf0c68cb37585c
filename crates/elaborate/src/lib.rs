//! Elaboration: scopes, layers, labels, prelude and dims; AST to graph.
