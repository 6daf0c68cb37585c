//! Contractions of any number of axes, stored in any order, with gaps, repeats and indices.

use eyas_kernels::{Access, Argument, Contraction, Indirect, Kernel, RightLayout, Role, Work};
use eyas_tensor::{DType, Dim, Number, Tensor};

use super::{biased, eighths, plain, value};
use crate::device::{Bindings, Case, all_agree};
use crate::draw::{Draw, kernel};

/// A kernel while it is drawn.
struct Drawn {
    draw: Draw,
    bindings: Bindings,
    arguments: Vec<Argument>,
    tensors: Vec<Tensor>,
}

impl Drawn {
    fn axes(&mut self, most: usize, sizes: &[i64]) -> Vec<Dim> {
        let count = self.draw.below(most + 1);
        (0..count).map(|_| self.extent(sizes)).collect()
    }

    /// One of the sizes, often as what a symbol is bound to.
    fn extent(&mut self, sizes: &[i64]) -> Dim {
        let size = self.draw.pick(sizes);
        match self.draw.below(3) {
            0 => {
                let name = format!("N{}", self.bindings.len());
                self.bindings.insert(name.clone(), size);
                Dim::symbol(&name)
            }
            _ => Dim::from(size),
        }
    }

    /// Strides of axes that are stored in any order, each perhaps with a gap after it or, where
    /// that is allowed, repeated; and how many elements that takes.
    fn strides(&mut self, axes: &[Dim], repeats: bool) -> (Vec<Dim>, Dim) {
        let mut order: Vec<usize> = (0..axes.len()).collect();
        for place in (1..order.len()).rev() {
            let other = self.draw.below(place + 1);
            // Mostly as a dense tensor has them.
            if self.draw.below(3) == 0 {
                order.swap(place, other);
            }
        }
        let mut strides = vec![Dim::from(0); axes.len()];
        let mut stride = match self.draw.below(6) {
            0 => Dim::from(2),
            _ => Dim::from(1),
        };
        for axis in order.into_iter().rev() {
            if repeats && self.draw.below(8) == 0 {
                continue;
            }
            strides[axis] = stride.clone();
            stride = stride.mul(&axes[axis]).unwrap();
            let gap = [0, 0, 0, 0, 1, 4];
            stride = stride.add(&Dim::from(self.draw.pick(&gap))).unwrap();
        }
        (strides, stride)
    }

    fn argument(&mut self, role: Role, length: Dim, tensor: Tensor) -> usize {
        let dtype = tensor.dtype();
        self.arguments.push(Argument {
            dtype,
            role,
            length,
        });
        self.tensors.push(tensor);
        self.arguments.len() - 1
    }

    /// An access over some axes, with a tensor of its own, sometimes through an index.
    fn read(&mut self, axes: &[Dim], dtype: DType) -> Access {
        let (strides, mut length) = self.strides(axes, true);
        let offset = Dim::from(self.draw.pick(&[0, 0, 4, 3]));
        length = length.add(&offset).unwrap();
        let indirect = (self.draw.below(6) == 0).then(|| {
            let places = 5;
            let (index_strides, index_length) = self.strides(axes, true);
            let count = value(&index_length, &self.bindings) as usize;
            let index = Number::Int(self.draw.below(places) as i128);
            let numbers: Vec<Number> = (0..count)
                .map(|_| match self.draw.below(2) {
                    0 => index,
                    _ => Number::Int(self.draw.below(places) as i128),
                })
                .collect();
            let tensor = Tensor::from_numbers(DType::I32, &[count], &numbers).unwrap();
            let argument = self.argument(Role::Read, index_length, tensor);
            let stride = length.clone();
            length = length.mul(&Dim::from(places as i64)).unwrap();
            Indirect {
                index: Box::new(Access {
                    argument,
                    offset: Dim::from(0),
                    strides: index_strides,
                    indirect: None,
                }),
                stride,
                extent: Dim::from(places as i64),
            }
        });
        let count = value(&length, &self.bindings) as usize;
        let tensor = eighths(&mut self.draw, dtype, count);
        Access {
            argument: self.argument(Role::Read, length, tensor),
            offset,
            strides,
            indirect,
        }
    }
}

fn drawn(seed: u64) -> Case {
    let mut drawn = Drawn {
        draw: Draw(seed),
        bindings: Bindings::new(),
        arguments: Vec::new(),
        tensors: Vec::new(),
    };
    let dtype = drawn
        .draw
        .pick(&[DType::F32, DType::F32, DType::F64, DType::I32]);
    let batch = drawn.axes(2, &[1, 2, 3]);
    let rows = drawn.axes(2, &[1, 4, 7, 12, 33]);
    let columns = drawn.axes(2, &[1, 4, 5, 16, 37]);
    let contracted = drawn.axes(3, &[0, 1, 3, 4, 8, 20]);
    let left = drawn.read(&[&batch[..], &rows, &contracted].concat(), dtype);
    let right = drawn.read(&[&batch[..], &columns, &contracted].concat(), dtype);
    let result = [&batch[..], &rows, &columns].concat();
    let mut reads = Vec::new();
    let epilogue = match result.len() {
        0 => plain(dtype, dtype),
        axes => {
            reads.push(drawn.read(&result, dtype));
            biased(dtype, drawn.draw.below(axes) as u32)
        }
    };
    let (strides, length) = drawn.strides(&result, false);
    let count = value(&length, &drawn.bindings) as usize;
    let tensor = eighths(&mut drawn.draw, dtype, count);
    let write = Access {
        argument: drawn.argument(Role::Write, length, tensor),
        offset: Dim::from(0),
        strides,
        indirect: None,
    };
    let contraction = Contraction {
        batch,
        rows,
        columns,
        contracted,
        left,
        right,
        right_layout: RightLayout::Strided,
        accumulator: dtype,
        epilogue,
        reads,
        write,
    };
    let name = format!("random{seed}");
    let kernel: Kernel = kernel(&name, drawn.arguments, Work::Contraction(contraction));
    Case {
        kernel,
        arguments: drawn.tensors,
        bindings: drawn.bindings,
        tolerance: 0.0,
    }
}

#[test]
fn any_axes_are_walked() {
    let cases: Vec<Case> = (0..40).map(drawn).collect();
    all_agree(&cases);
}
