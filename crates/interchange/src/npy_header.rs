//! The header of an npy file: a Python dictionary of three known keys.

use std::io::Read;

use eyas_tensor::DType;

use crate::InterchangeError;
use crate::source::Source;

/// Axes that an array may have; NumPy has 64 at most.
const RANK_LIMIT: usize = 64;

/// What the header says.
pub(crate) struct Header {
    pub(crate) dtype: DType,
    pub(crate) big_endian: bool,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
}

/// Types that NumPy has too, by kind and size.
const DESCRIPTORS: [(DType, &str); 12] = [
    (DType::Bool, "b1"),
    (DType::I8, "i1"),
    (DType::I16, "i2"),
    (DType::I32, "i4"),
    (DType::I64, "i8"),
    (DType::U8, "u1"),
    (DType::U16, "u2"),
    (DType::U32, "u4"),
    (DType::U64, "u8"),
    (DType::F16, "f2"),
    (DType::F32, "f4"),
    (DType::F64, "f8"),
];

/// The descriptor of little-endian elements: `<f4`.
pub(crate) fn descriptor(dtype: DType) -> Option<String> {
    let (_, name) = DESCRIPTORS.iter().find(|(known, _)| *known == dtype)?;
    let order = if dtype.bits() == 8 { '|' } else { '<' };
    Some(format!("{order}{name}"))
}

/// Reads the header that stands at `start` in the source.
pub(crate) fn parse<R: Read>(
    text: &[u8],
    source: &Source<'_, R>,
    start: u64,
) -> Result<Header, InterchangeError> {
    let mut parser = Parser { text, position: 0 };
    let fault = |position: usize, what: String| source.malformed(start + position as u64, what);
    let fields = parser.fields();
    let (descriptor, fortran_order, shape) = fields.map_err(|what| fault(parser.position, what))?;
    let (dtype, big_endian) = match descriptor {
        Some(Descriptor::Simple(text)) => element_type(&text)
            .ok_or_else(|| source.unsupported(format!("has elements of the type `{text}`")))?,
        Some(Descriptor::Structured) => {
            return Err(source.unsupported("has elements that are records"));
        }
        None => return Err(fault(0, "the header has no `descr`".to_owned())),
    };
    let missing = |key: &str| fault(0, format!("the header has no `{key}`"));
    Ok(Header {
        dtype,
        big_endian,
        fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
        shape: shape.ok_or_else(|| missing("shape"))?,
    })
}

/// The type of a descriptor such as `>i2`, and whether it is big-endian.
fn element_type(text: &str) -> Option<(DType, bool)> {
    if text == "?" {
        return Some((DType::Bool, false));
    }
    let name = text.trim_start_matches(['<', '>', '|', '=']);
    if text.len() - name.len() > 1 {
        return None;
    }
    let (dtype, _) = DESCRIPTORS.iter().find(|(_, known)| *known == name)?;
    Some((*dtype, text.starts_with('>')))
}

enum Descriptor {
    Simple(String),
    Structured,
}

type Fields = (Option<Descriptor>, Option<bool>, Option<Vec<usize>>);

/// A reader of as much of Python's literals as a header has; an error is a sentence.
struct Parser<'a> {
    text: &'a [u8],
    position: usize,
}

impl Parser<'_> {
    fn fields(&mut self) -> Result<Fields, String> {
        let mut fields: Fields = (None, None, None);
        self.expect("{")?;
        while !self.take("}") {
            let key = self.string()?;
            self.expect(":")?;
            let again = match &*key {
                "descr" => {
                    let descriptor = self.descriptor()?;
                    let structured = matches!(descriptor, Descriptor::Structured);
                    let again = fields.0.replace(descriptor).is_some();
                    if structured {
                        // What the records are made of is not read, nor what follows it.
                        return Ok(fields);
                    }
                    again
                }
                "fortran_order" => fields.1.replace(self.truth()?).is_some(),
                "shape" => fields.2.replace(self.shape()?).is_some(),
                _ => return Err(format!("the header has an unknown key `{key}`")),
            };
            if again {
                return Err(format!("the header has `{key}` twice"));
            }
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        self.skip_spaces();
        match self.position == self.text.len() {
            true => Ok(fields),
            false => Err("something follows the header's dictionary".to_owned()),
        }
    }

    fn skip_spaces(&mut self) {
        while self
            .text
            .get(self.position)
            .is_some_and(u8::is_ascii_whitespace)
        {
            self.position += 1;
        }
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_spaces();
        let found = self.text[self.position..].starts_with(token.as_bytes());
        self.position += if found { token.len() } else { 0 };
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        match self.take(token) {
            true => Ok(()),
            false => Err(format!("`{token}` expected in the header")),
        }
    }

    /// A string without escapes.
    fn string(&mut self) -> Result<String, String> {
        let quote = if self.take("'") {
            b'\''
        } else if self.take("\"") {
            b'"'
        } else {
            return Err("a string expected in the header".to_owned());
        };
        let rest = &self.text[self.position..];
        let end = rest.iter().position(|byte| *byte == quote);
        let end = end.ok_or_else(|| "a string in the header does not end".to_owned())?;
        self.position += end + 1;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }

    fn descriptor(&mut self) -> Result<Descriptor, String> {
        match self.take("[") {
            true => Ok(Descriptor::Structured),
            false => self.string().map(Descriptor::Simple),
        }
    }

    fn truth(&mut self) -> Result<bool, String> {
        if self.take("True") {
            return Ok(true);
        }
        match self.take("False") {
            true => Ok(false),
            false => Err("`True` or `False` expected in the header".to_owned()),
        }
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        let mut shape = Vec::new();
        self.expect("(")?;
        while !self.take(")") {
            if shape.len() == RANK_LIMIT {
                return Err(format!("the shape has more than {RANK_LIMIT} axes"));
            }
            shape.push(self.extent()?);
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(shape)
    }

    fn extent(&mut self) -> Result<usize, String> {
        self.skip_spaces();
        let rest = &self.text[self.position..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&rest[..digits]).unwrap_or_default();
        let extent = text.parse::<usize>();
        let extent = extent.map_err(|_| "an extent expected in the header".to_owned())?;
        self.position += digits;
        // Python 2 wrote `3L`.
        self.take("L");
        Ok(extent)
    }
}
