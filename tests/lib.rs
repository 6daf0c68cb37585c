//! Behaviour of Eyas seen from outside: file tests of passes, compiled code against the reference
//! evaluator, real data. The tests are in `suite/`.
