use eyas_ir::{BodyBuilder, Distribution};
use eyas_kernels::{expand, random};
use eyas_tensor::{DType, Number, philox, uniform_f32};

use crate::evaluation::{TARGETS, evaluate};

/// The word that the reference draws.
fn word(stream: u64, numbers: &[i64], index: u64) -> u32 {
    let mix = numbers.iter().fold(0u64, |mix, &number| {
        mix.wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(number as u64)
    });
    let block = index / 4;
    let counter = [
        block as u32,
        (block >> 32) as u32,
        mix as u32,
        (mix >> 32) as u32,
    ];
    philox(counter, [stream as u32, (stream >> 32) as u32])[(index % 4) as usize]
}

#[test]
fn random_bodies_give_the_words_of_philox() {
    let stream = 0x1234_5678_9abc_def0;
    for numbers in [vec![], vec![3], vec![-7, 1 << 40]] {
        let mut builder = BodyBuilder::new();
        let index = builder.input(DType::I64);
        let operands: Vec<_> = numbers.iter().map(|_| builder.input(DType::I64)).collect();
        let kinds = [Distribution::Bits, Distribution::Uniform];
        let [bits, uniform] =
            kinds.map(|kind| random(&mut builder, kind, stream, &operands, index));
        let bodies = [bits, uniform].map(|result| builder.clone().finish(&[result]));
        for index in [0u64, 1, 2, 3, 4, 1001, 1 << 33, (1 << 34) + 3] {
            let mut inputs = vec![Number::Int(index.into())];
            inputs.extend(numbers.iter().map(|&n: &i64| Number::Int(n.into())));
            let word = word(stream, &numbers, index);
            for target in TARGETS {
                let [bits, uniform] =
                    [0, 1].map(|n| evaluate(&expand(&bodies[n], target), &inputs));
                assert_eq!(bits, Number::Int(word.into()));
                assert_eq!(uniform, Number::Float(uniform_f32(word).into()));
            }
        }
    }
}
