use std::io::{IsTerminal, Write};

use eyas::{Colour, Diagnostic, SourceMap};

use super::Failed;
use super::arguments::{Global, MessageFormat, When};

/// What is written where: results to standard output, all else to standard error.
#[derive(Debug)]
pub(crate) struct Terminal {
    format: MessageFormat,
    colour: Colour,
    quiet: bool,
    /// Whether `-v` was given.
    pub(crate) verbose: bool,
}

impl Terminal {
    pub(crate) fn new(global: &Global) -> Terminal {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let coloured = match global.color {
            When::Always => true,
            When::Never => false,
            When::Auto => !plain && std::io::stderr().is_terminal(),
        };
        Terminal {
            format: global.message_format,
            colour: if coloured { Colour::On } else { Colour::Off },
            quiet: global.quiet,
            verbose: global.verbose,
        }
    }

    /// Whether progress may be drawn.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && self.format == MessageFormat::Human && std::io::stderr().is_terminal()
    }

    /// Writes diagnostics, the gravest fault deciding the outcome; with `-q` errors alone.
    pub(crate) fn report(&self, diagnostics: &[Diagnostic], sources: &SourceMap) {
        let mut text = String::new();
        for diagnostic in diagnostics {
            if self.quiet && !diagnostic.is_error() {
                continue;
            }
            match self.format {
                MessageFormat::Human => {
                    text.push_str(&diagnostic.to_text(sources, self.colour));
                    text.push('\n');
                }
                MessageFormat::Json => {
                    text.push_str(&diagnostic.to_json(sources));
                    text.push('\n');
                }
            }
        }
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// Reports an error of the library.
    pub(crate) fn fail(&self, error: &eyas::Error) -> Failed {
        self.report(error.diagnostics(), error.sources());
        Failed
    }

    /// Reports one diagnostic without a source.
    pub(crate) fn fault(&self, diagnostic: Diagnostic) -> Failed {
        self.report(&[diagnostic], &SourceMap::new());
        Failed
    }

    /// A line to standard error, left out with `-q`.
    pub(crate) fn say(&self, line: &str) {
        if !self.quiet && self.format == MessageFormat::Human {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// Text to standard output. A reader that went away (`| head`) is no error.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failed> {
        let mut output = std::io::stdout().lock();
        match output
            .write_all(text.as_bytes())
            .and_then(|()| output.flush())
        {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(self.fault(Diagnostic::error(
                "E0602",
                format!("standard output cannot be written: {error}"),
            ))),
        }
    }
}
