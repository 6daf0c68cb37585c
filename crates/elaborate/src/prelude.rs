//! The layers that come with the language, a file each.

/// A layer of the prelude.
pub(crate) struct PreludeLayer {
    /// Its name.
    pub name: &'static str,
    /// The file shown in diagnostics.
    pub file: &'static str,
    /// The file's text.
    pub text: &'static str,
}

macro_rules! layers {
    ($($name:literal $file:literal,)*) => {
        /// Every layer of the prelude.
        pub(crate) const LAYERS: &[PreludeLayer] = &[$(PreludeLayer {
            name: $name,
            file: concat!("prelude/", $file, ".eyas"),
            text: include_str!(concat!("../prelude/", $file, ".eyas")),
        },)*];
    };
}

layers! {
    "Attention" "attention",
    "Embedding" "embedding",
    "LayerNorm" "layer_norm",
    "Linear" "linear",
    "RmsNorm" "rms_norm",
    "positions" "positions",
}

/// The layer of a name.
pub(crate) fn find(name: &str) -> Option<&'static PreludeLayer> {
    LAYERS.iter().find(|layer| layer.name == name)
}
