//! A folder of its own for each test, and the command run in it.

use std::path::PathBuf;
use std::process::{Command, Output};

use eyas::{DType, Number, Tensor};

pub struct Place(tempfile::TempDir);

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub output: String,
    pub errors: String,
}

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    /// A file of this name with these bytes.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// An npy file of zeros.
    pub fn zeros(&self, name: &str, dtype: DType, shape: &[usize]) {
        let tensor = Tensor::zeros(dtype, shape).unwrap();
        eyas::write_tensor(self.path(name), &tensor).unwrap();
    }

    /// An npy file of integers.
    pub fn integers(&self, name: &str, dtype: DType, values: &[i128]) {
        let numbers: Vec<Number> = values.iter().copied().map(Number::Int).collect();
        let tensor = Tensor::from_numbers(dtype, &[values.len()], &numbers).unwrap();
        eyas::write_tensor(self.path(name), &tensor).unwrap();
    }

    /// Runs the command here with these words.
    pub fn run(&self, line: &str) -> Ended {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_eyas"))
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ended {
            code: output.status.code(),
            output: text(&output.stdout),
            errors: text(&output.stderr),
        }
    }

    /// Runs a command that must end in a diagnostic of this code with these texts in it.
    pub fn fails(&self, line: &str, code: &str, texts: &[&str]) -> Ended {
        let ended = self.run(line);
        assert_eq!(ended.code, Some(1), "`{line}`: {ended:?}");
        assert!(
            ended.errors.contains(&format!("error[{code}]")),
            "`{line}`:\n{}",
            ended.errors
        );
        for text in texts {
            assert!(
                ended.errors.contains(text),
                "`{line}` does not say `{text}`:\n{}",
                ended.errors
            );
        }
        ended
    }

    /// Runs a command that must succeed.
    pub fn succeeds(&self, line: &str) -> Ended {
        let ended = self.run(line);
        assert_eq!(ended.code, Some(0), "`{line}`: {}", ended.errors);
        ended
    }
}
