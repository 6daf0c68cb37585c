use std::sync::Arc;

use crate::parser::parse;
use crate::{Entry, ParseError};

/// A PTX module: its entries, decoded and checked.
#[derive(Debug, Clone)]
pub struct Module {
    entries: Vec<Entry>,
}

impl Module {
    /// Reads a module and checks the types of all operands.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn parse(text: &str) -> Result<Module, ParseError> {
        let parsed = parse(text)?;
        let shared: Arc<str> = Arc::from(text);
        let entries = parsed.entries.into_iter();
        let decode = |body| Entry::decode(body, parsed.target, Arc::clone(&shared));
        Ok(Module {
            entries: entries.map(decode).collect::<Result<_, _>>()?,
        })
    }

    /// Its entries, in the text's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name() == name)
    }
}
