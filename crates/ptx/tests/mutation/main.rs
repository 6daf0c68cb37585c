//! Faults put into generated kernels: what neither the interpreter nor the reference sees, a person
//! has to explain in `survivors.txt`.
//!
//! Kernels that change bring other mutants. For each that is new there is a set of arguments in
//! `kernels` that catches it, or a reason why it does no harm; the test prints both lists.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
#[path = "../suite/draw.rs"]
mod draw;
mod kernels;
mod line;
mod mutant;
mod operator;
mod subject;

use std::collections::{BTreeMap, BTreeSet};

use crate::draw::Draw;
use crate::mutant::Mutant;
use crate::subject::Subject;

/// What the instructions are drawn with.
const SEED: u64 = 1;
/// Mutants of each family of kernels; there are four.
const MUTANTS: usize = 50;

/// The survivors that were looked at, with the reason why each is harmless.
fn explained() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("survivors.txt").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once(" # ").expect("a survivor needs a reason"));
    pairs
        .map(|(mutant, reason)| (mutant.trim(), reason.trim()))
        .collect()
}

#[test]
fn faults_in_kernels_are_found() {
    let (mut survivors, mut count) = (Vec::new(), 0);
    let mut causes: BTreeMap<String, usize> = BTreeMap::new();
    for (family, cases) in kernels::families() {
        let subjects: Vec<Subject> = cases.into_iter().map(Subject::new).collect();
        for mutant in mutants(&subjects, &mut Draw(SEED)) {
            count += 1;
            match subjects[mutant.subject].catches(&mutant.text) {
                Some(cause) => *causes.entry(cause).or_default() += 1,
                None => survivors.push(format!("{family}: {}", mutant.what)),
            }
        }
    }
    let explained = explained();
    let found: BTreeSet<&str> = survivors.iter().map(String::as_str).collect();
    eprintln!(
        "of {count} mutants {} survive; the others: {causes:?}",
        survivors.len()
    );
    let unexplained: Vec<&str> = found
        .iter()
        .copied()
        .filter(|mutant| !explained.contains_key(mutant))
        .collect();
    let gone: Vec<&str> = explained
        .keys()
        .copied()
        .filter(|mutant| !found.contains(mutant))
        .collect();
    assert!(
        unexplained.is_empty() && gone.is_empty(),
        "not in survivors.txt:\n{}\nin survivors.txt, and caught or not drawn any more:\n{}",
        unexplained.join("\n"),
        gone.join("\n"),
    );
    assert!(
        survivors.len() * 20 <= count,
        "less than 95 of 100 are caught"
    );
}

/// Mutants of a family, all different, their instructions drawn from all kernels of it.
fn mutants(subjects: &[Subject], draw: &mut Draw) -> Vec<Mutant> {
    let lines: Vec<(usize, usize)> = subjects
        .iter()
        .enumerate()
        .flat_map(|(subject, it)| it.instructions().map(move |line| (subject, line)))
        .collect();
    let mut found: Vec<Mutant> = Vec::new();
    while found.len() < MUTANTS {
        let (subject, line) = draw.pick(&lines);
        let mutant = Mutant::draw(subject, &subjects[subject], line, draw);
        if let Some(mutant) = mutant.filter(|mutant| !found.contains(mutant)) {
            found.push(mutant);
        }
    }
    found
}

/// The kernels themselves are right, or nothing that follows means anything.
#[test]
fn kernels_without_faults_pass() {
    for (_, cases) in kernels::families() {
        for case in cases {
            let subject = Subject::new(case);
            let cause = subject.catches(subject.text());
            assert_eq!(cause, None, "{}", subject.text());
        }
    }
}

/// A trap in its place stops a run: then a fault in it can be seen.
#[test]
fn every_instruction_is_reached() {
    for (_, cases) in kernels::families() {
        for case in cases {
            let subject = Subject::new(case);
            for at in subject.instructions() {
                let mut lines: Vec<&str> = subject.text().lines().collect();
                lines.insert(at, "trap;");
                let reached = subject.catches(&lines.join("\n")).is_some();
                assert!(
                    reached,
                    "line {at} of {}:\n{}",
                    subject.name(),
                    subject.text()
                );
            }
        }
    }
}
