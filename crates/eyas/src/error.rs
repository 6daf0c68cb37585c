use std::fmt;

use eyas_diagnostic::{Colour, Diagnostic, SourceMap};

/// What went wrong, as diagnostics with the sources that they point into.
#[derive(Clone)]
pub struct Error {
    diagnostics: Vec<Diagnostic>,
    sources: Box<SourceMap>,
}

impl Error {
    /// Diagnostics that point into sources.
    pub fn new(diagnostics: Vec<Diagnostic>, sources: SourceMap) -> Error {
        let sources = Box::new(sources);
        Error {
            diagnostics,
            sources,
        }
    }

    /// All that is to be said, the first fault first.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The texts that the diagnostics point into.
    pub fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// The code of the first fault, such as `E0102`.
    pub fn code(&self) -> &'static str {
        let mut faults = self.diagnostics.iter();
        faults
            .find(|diagnostic| diagnostic.is_error())
            .map_or("", |diagnostic| diagnostic.code)
    }
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Error {
        Error::new(vec![diagnostic], SourceMap::new())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.diagnostics {
            f.write_str(&diagnostic.to_text(&self.sources, Colour::Off))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for Error {}
