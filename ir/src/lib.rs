//! The graph IR: tensor types, ops, graphs on petgraph, shape inference, verifier, text form.
