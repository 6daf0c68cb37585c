//! How many instructions a second the interpreter runs on one core, each counted once a thread.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Instant;

use eyas_ptx_interpreter::{Launch, Limits, Memory, Module, Statistics, launch};

fn main() {
    elementwise(1 << 20);
    reduction(512, 4096);
    matmul(256);
}

fn values(count: usize) -> Vec<f32> {
    (0..count)
        .map(|at| ((at * 7 + at / 13) % 17) as f32 - 8.0)
        .collect()
}

fn upload(memory: &mut Memory, values: &[f32]) -> u64 {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let address = memory.allocate(bytes.len() as u64).unwrap();
    memory.write(address, &bytes).unwrap();
    address
}

fn download(memory: &Memory, address: u64, count: usize) -> Vec<f32> {
    let mut bytes = vec![0; count * 4];
    memory.read(address, &mut bytes).unwrap();
    bytes
        .chunks(4)
        .map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap()))
        .collect()
}

/// Runs an entry, the best of three.
fn run(
    text: &str,
    grid: [u32; 3],
    addresses: &[u64],
    extent: u32,
    memory: &mut Memory,
) -> Statistics {
    let module = Module::parse(text).unwrap();
    let entry = &module.entries()[0];
    let mut parameters: Vec<u8> = addresses
        .iter()
        .flat_map(|address| address.to_le_bytes())
        .collect();
    parameters.extend(extent.to_le_bytes());
    let shape = Launch {
        grid,
        block: [256, 1, 1],
        shared: 0,
    };
    let mut best = f64::INFINITY;
    let mut statistics = Statistics::default();
    for _ in 0..3 {
        let started = Instant::now();
        statistics = launch(entry, &shape, &parameters, memory, &Limits::default())
            .unwrap_or_else(|fault| panic!("{fault}"));
        best = best.min(started.elapsed().as_secs_f64());
    }
    let count = statistics.thread_instructions as f64 / 1e6;
    println!(
        "{:12} {count:8.1} M in {best:.3} s: {:6.0} M/s",
        entry.name(),
        count / best
    );
    statistics
}

fn elementwise(count: usize) {
    let (mut memory, x) = (Memory::new(), values(count));
    let y: Vec<f32> = x.iter().rev().copied().collect();
    let [a, b] = [upload(&mut memory, &x), upload(&mut memory, &y)];
    let c = memory.allocate(count as u64 * 4).unwrap();
    let text = include_str!("elementwise.ptx");
    run(text, [64, 1, 1], &[a, b, c], count as u32 / 4, &mut memory);
    let wanted = x.iter().zip(&y).map(|(x, y)| (x * 2.0 + y).max(0.0));
    assert!(wanted.eq(download(&memory, c, count)));
}

fn reduction(rows: usize, length: usize) {
    let (mut memory, x) = (Memory::new(), values(rows * length));
    let a = upload(&mut memory, &x);
    let sums = memory.allocate(rows as u64 * 4).unwrap();
    let text = include_str!("reduction.ptx");
    run(
        text,
        [rows as u32, 1, 1],
        &[a, sums],
        length as u32,
        &mut memory,
    );
    // Small integers: every order of adding gives the same.
    let wanted = x.chunks(length).map(|row| row.iter().sum::<f32>());
    assert!(wanted.eq(download(&memory, sums, rows)));
}

fn matmul(side: usize) {
    let (mut memory, x) = (Memory::new(), values(side * side));
    let y: Vec<f32> = x.iter().rev().copied().collect();
    let [a, b] = [upload(&mut memory, &x), upload(&mut memory, &y)];
    let c = memory.allocate((side * side * 4) as u64).unwrap();
    let blocks = side as u32 / 64;
    let text = include_str!("matmul.ptx");
    run(
        text,
        [blocks, blocks, 1],
        &[a, b, c],
        side as u32,
        &mut memory,
    );
    let found = download(&memory, c, side * side);
    for (at, found) in found.into_iter().enumerate().step_by(37) {
        let (row, column) = (at / side, at % side);
        let wanted = (0..side).fold(0f32, |sum, k| {
            x[row * side + k].mul_add(y[k * side + column], sum)
        });
        assert_eq!(found, wanted);
    }
}
