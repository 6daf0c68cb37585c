//! Compiles the digits model and classifies one image: `cargo run --release --example embed`.

use std::sync::Arc;

use eyas::{Compiler, Dataset, Session, read_weights};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let weights = Some(read_weights(examples.join("data/mnist_mlp.safetensors"))?);
    let compiler = Compiler {
        weights,
        ..Compiler::default()
    };
    let set = Arc::new(compiler.compile(examples.join("mnist.eyas"))?);
    let mut session = Session::new(&set)?;

    let images = Dataset::open_idx(&examples.join("data"), "t10k", 1.0 / 255.0)?;
    let image = images.batch(0..1, &[784])?.items;
    let outputs = session.run(&[("image", &image)])?;
    println!("{:?}", outputs.get("probability"));
    Ok(())
}
