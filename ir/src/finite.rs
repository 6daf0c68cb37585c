//! Floats in JSON, which has no word for those that are not finite: these are texts.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Float {
    Finite(f64),
    Other(String),
}

pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match value.is_finite() {
        true => Float::Finite(*value).serialize(serializer),
        false => Float::Other(value.to_string()).serialize(serializer),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match Float::deserialize(deserializer)? {
        Float::Finite(value) => Ok(value),
        Float::Other(text) => text.parse().map_err(serde::de::Error::custom),
    }
}
