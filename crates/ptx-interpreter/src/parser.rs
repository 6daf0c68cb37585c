use crate::names::{Names, Variable};
use crate::syntax::{Base, Operand, Statement};
use crate::token::{Token, TokenKind, tokens};
use crate::{Parameter, ParseError, Type};

/// A module as it is written, names resolved to what they stand for.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    /// The number in `sm_80`.
    pub(crate) target: u32,
    pub(crate) entries: Vec<Body<'a>>,
}

/// An entry as it is written.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(crate) line: u32,
    pub(crate) name: &'a str,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) parameter_bytes: usize,
    pub(crate) shared_bytes: u32,
    pub(crate) max_threads: Option<u32>,
    pub(crate) required: Option<[u32; 3]>,
    pub(crate) names: Names<'a>,
    pub(crate) statements: Vec<Statement<'a>>,
    /// The line of the closing brace.
    pub(crate) end: u32,
}

/// The most bytes of parameters.
const PARAMETERS: usize = 4096;
/// The most bytes of shared memory that a text may declare.
const SHARED: u32 = 48 << 10;

/// The most shared variables outside of entries.
const VARIABLES: usize = 256;

/// Reads a module.
pub(crate) fn parse(text: &str) -> Result<Text<'_>, ParseError> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        shared: Vec::new(),
    };
    parser.module()
}

struct Parser<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    /// The shared variables outside of entries.
    shared: Vec<Declaration<'a>>,
}

/// A variable's declaration.
#[derive(Debug, Clone, Copy)]
struct Declaration<'a> {
    line: u32,
    name: &'a str,
    kind: Type,
    align: u32,
    /// `None`: as many as a launch says.
    count: Option<u64>,
}

impl<'a> Parser<'_, 'a> {
    fn line(&self) -> u32 {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or(1, |token| token.line)
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError {
            line: self.line(),
            message: message.into(),
        })
    }

    fn peek(&self) -> Option<TokenKind<'a>> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    fn eat(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(TokenKind::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: char) -> Result<(), ParseError> {
        if self.eat(mark) {
            Ok(())
        } else {
            self.error(format!("`{mark}` should stand here"))
        }
    }

    fn word(&mut self, what: &str) -> Result<&'a str, ParseError> {
        match self.peek() {
            Some(TokenKind::Word(word)) => {
                self.at += 1;
                Ok(word)
            }
            _ => self.error(format!("{what} should stand here")),
        }
    }

    fn integer(&mut self, what: &str) -> Result<u64, ParseError> {
        match self.peek() {
            Some(TokenKind::Integer(value)) => {
                self.at += 1;
                Ok(value)
            }
            _ => self.error(format!("{what} should stand here")),
        }
    }

    fn small(&mut self, what: &str) -> Result<u32, ParseError> {
        let value = self.integer(what)?;
        u32::try_from(value).or_else(|_| self.error(format!("{value} is too much")))
    }

    fn dotted(&mut self) -> Option<&'a str> {
        match self.peek() {
            Some(TokenKind::Dotted(name)) => {
                self.at += 1;
                Some(name)
            }
            _ => None,
        }
    }

    fn module(&mut self) -> Result<Text<'a>, ParseError> {
        let (mut target, mut version) = (None, false);
        let mut entries: Vec<Body<'a>> = Vec::new();
        while self.peek().is_some() {
            let Some(directive) = self.dotted() else {
                return self.error("a directive should stand here");
            };
            match directive {
                "version" => {
                    match self.peek() {
                        Some(TokenKind::Decimal(_)) => self.at += 1,
                        _ => return self.error("a version such as `8.0` should stand here"),
                    }
                    version = true;
                }
                "target" => target = Some(self.target()?),
                "address_size" => {
                    if self.integer("64")? != 64 {
                        return self.error("addresses have 64 bits");
                    }
                }
                "visible" | "extern" | "weak" => {}
                "shared" => {
                    let variables = self.variables()?;
                    self.shared.extend(variables);
                    if self.shared.len() > VARIABLES {
                        return self.error("too many variables outside entries");
                    }
                }
                "entry" => {
                    if !version {
                        return self.error("no `.version` stands before this entry");
                    }
                    if target.is_none() {
                        return self.error("no `.target` stands before this entry");
                    }
                    let entry = self.entry()?;
                    if entries.iter().any(|other| other.name == entry.name) {
                        let message = format!("there are two entries `{}`", entry.name);
                        return Err(ParseError {
                            line: entry.line,
                            message,
                        });
                    }
                    entries.push(entry);
                }
                "file" | "section" | "loc" => self.skip_line(),
                _ => {
                    self.at -= 1;
                    return self.error(format!("`.{directive}` is not known here"));
                }
            }
        }
        match target {
            Some(target) => Ok(Text { target, entries }),
            None => self.error("the module has no `.target`"),
        }
    }

    fn target(&mut self) -> Result<u32, ParseError> {
        let name = self.word("a target such as `sm_80`")?;
        let digits = name
            .strip_prefix("sm_")
            .map(|rest| rest.trim_end_matches(['a', 'f']));
        let number = digits.and_then(|digits| digits.parse::<u32>().ok());
        match number {
            Some(number) => Ok(number),
            None => self.error(format!("`{name}` is no target such as `sm_80`")),
        }
    }

    fn skip_line(&mut self) {
        let line = self.tokens.get(self.at - 1).map_or(0, |token| token.line);
        while self
            .tokens
            .get(self.at)
            .is_some_and(|token| token.line == line)
        {
            self.at += 1;
        }
    }

    fn entry(&mut self) -> Result<Body<'a>, ParseError> {
        let line = self.line();
        let name = self.word("the entry's name")?;
        let mut body = Body {
            line,
            name,
            parameters: Vec::new(),
            parameter_bytes: 0,
            shared_bytes: 0,
            max_threads: None,
            required: None,
            names: Names::default(),
            statements: Vec::new(),
            end: line,
        };
        if self.eat('(') {
            self.parameters(&mut body)?;
        }
        while let Some(directive) = self.dotted() {
            match directive {
                "maxntid" | "reqntid" => {
                    let mut extents = [1; 3];
                    for (axis, extent) in extents.iter_mut().enumerate() {
                        if axis == 0 || self.eat(',') {
                            *extent = self.small("a number of threads")?;
                        }
                    }
                    let threads = extents.iter().try_fold(1u32, |all, n| all.checked_mul(*n));
                    if threads.is_none_or(|threads| threads == 0 || threads > 1024) {
                        return self.error("a block has 1 to 1024 threads");
                    }
                    body.max_threads = threads;
                    body.required = (directive == "reqntid").then_some(extents);
                }
                "minnctapersm" | "maxnctapersm" | "maxnreg" => {
                    self.small("a number")?;
                }
                _ => {
                    self.at -= 1;
                    return self.error(format!("`.{directive}` is not known here"));
                }
            }
        }
        self.expect('{')?;
        for declaration in self.shared.clone() {
            self.share(&mut body, declaration)?;
        }
        while self.peek() != Some(TokenKind::Mark('}')) {
            self.item(&mut body)?;
        }
        body.end = self.line();
        self.expect('}')?;
        Ok(body)
    }

    fn parameters(&mut self, body: &mut Body<'a>) -> Result<(), ParseError> {
        while !self.eat(')') {
            if !body.parameters.is_empty() {
                self.expect(',')?;
            }
            match self.dotted() {
                Some("param") => {}
                _ => return self.error("`.param` should stand here"),
            }
            let declaration = self.variable()?;
            let Some(count) = declaration.count else {
                return self.error("a parameter has a length");
            };
            let size = u64::from(declaration.kind.bytes());
            let bytes = size.saturating_mul(count);
            let offset = body
                .parameter_bytes
                .next_multiple_of(declaration.align as usize);
            if bytes > PARAMETERS as u64 || offset + bytes as usize > PARAMETERS {
                return self.error(format!("parameters take more than {PARAMETERS} bytes"));
            }
            let name = declaration.name;
            let entry = (offset, declaration.kind, bytes as usize);
            if body.names.parameters.insert(name, entry).is_some() {
                return self.error(format!("there are two parameters `{name}`"));
            }
            body.parameter_bytes = offset + bytes as usize;
            body.parameters.push(Parameter {
                name: name.to_owned(),
                kind: declaration.kind,
                offset,
                bytes: bytes as usize,
            });
        }
        Ok(())
    }

    /// `.align 16 .f32 name[10]`.
    fn variable(&mut self) -> Result<Declaration<'a>, ParseError> {
        let line = self.line();
        let (mut align, mut kind) = (None, None);
        while let Some(word) = self.dotted() {
            match word {
                "align" => {
                    let value = self.small("an alignment")?;
                    if !value.is_power_of_two() || value > 1024 {
                        return self.error(format!("{value} is no alignment"));
                    }
                    align = Some(value);
                }
                "ptr" | "global" | "shared" if kind.is_some() => {}
                _ => match Type::named(word).filter(|found| *found != Type::Predicate) {
                    Some(found) if kind.is_none() => kind = Some(found),
                    _ => return self.error(format!("`.{word}` is not known here")),
                },
            }
        }
        let Some(kind) = kind else {
            return self.error("the variable has no type");
        };
        let name = self.word("the variable's name")?;
        let mut count = Some(1u64);
        while self.eat('[') {
            if self.eat(']') {
                count = None;
                break;
            }
            let length = self.integer("a length")?;
            count = count.map(|count| count.saturating_mul(length));
            self.expect(']')?;
        }
        let align = align.unwrap_or(kind.bytes());
        Ok(Declaration {
            line,
            name,
            kind,
            align: align.max(kind.bytes()),
            count,
        })
    }

    fn variables(&mut self) -> Result<Vec<Declaration<'a>>, ParseError> {
        let first = self.variable()?;
        let mut variables = vec![first];
        while self.eat(',') {
            let line = self.line();
            let name = self.word("the variable's name")?;
            let mut count = Some(1);
            if self.eat('[') {
                count = Some(self.integer("a length")?);
                self.expect(']')?;
            }
            variables.push(Declaration {
                line,
                name,
                count,
                ..first
            });
        }
        self.expect(';')?;
        Ok(variables)
    }

    /// Gives a shared variable its place.
    fn share(&self, body: &mut Body<'a>, it: Declaration<'a>) -> Result<(), ParseError> {
        let fail = |message: String| {
            Err(ParseError {
                line: it.line,
                message,
            })
        };
        if body.names.is_taken(it.name) {
            return fail(format!("there are two of the name `{}`", it.name));
        }
        let Some(count) = it.count else {
            let variable = Variable::Dynamic { align: it.align };
            body.names.shared.insert(it.name, variable);
            return Ok(());
        };
        let offset = body.shared_bytes.next_multiple_of(it.align);
        let bytes = count.saturating_mul(u64::from(it.kind.bytes()));
        if bytes > u64::from(SHARED) || offset + bytes as u32 > SHARED {
            return fail(format!(
                "more than {SHARED} bytes of shared memory are declared"
            ));
        }
        body.names.shared.insert(it.name, Variable::At(offset));
        body.shared_bytes = offset + bytes as u32;
        Ok(())
    }

    /// A declaration, a label or an instruction.
    fn item(&mut self, body: &mut Body<'a>) -> Result<(), ParseError> {
        match self.peek() {
            None => self.error("the entry has no end"),
            Some(TokenKind::Dotted(directive)) => {
                self.at += 1;
                match directive {
                    "reg" => self.registers(body),
                    "shared" => {
                        for declaration in self.variables()? {
                            self.share(body, declaration)?;
                        }
                        Ok(())
                    }
                    "extern" => Ok(()),
                    "loc" | "pragma" => {
                        self.skip_line();
                        Ok(())
                    }
                    _ => {
                        self.at -= 1;
                        self.error(format!("`.{directive}` is not known here"))
                    }
                }
            }
            Some(TokenKind::Word(name)) => {
                let next = self.tokens.get(self.at + 1).map(|token| token.kind);
                if next != Some(TokenKind::Mark(':')) {
                    let statement = self.statement()?;
                    body.statements.push(statement);
                    return Ok(());
                }
                let number = body.statements.len() as u32;
                if body.names.labels.insert(name, number).is_some() {
                    return self.error(format!("there are two labels `{name}`"));
                }
                self.at += 2;
                Ok(())
            }
            Some(TokenKind::Mark('@')) => {
                let statement = self.statement()?;
                body.statements.push(statement);
                Ok(())
            }
            Some(_) => self.error("an instruction should stand here"),
        }
    }

    /// `.f32 %f<10>, %sum;`
    fn registers(&mut self, body: &mut Body<'a>) -> Result<(), ParseError> {
        let kind = self.dotted().and_then(Type::named);
        let Some(kind) = kind.filter(|kind| !matches!(kind, Type::Bf16 | Type::Bf16x2)) else {
            return self.error("a register's type should stand here");
        };
        loop {
            let name = self.word("a register's name")?;
            let fresh = if self.eat('<') {
                let count = self.integer("a number of registers")?;
                self.expect('>')?;
                body.names.declare_family(name, kind, count)
            } else {
                body.names.declare(name, kind)
            };
            if !fresh {
                return self.error(format!("`{name}` is declared twice"));
            }
            if !self.eat(',') {
                return self.expect(';');
            }
        }
    }

    fn statement(&mut self) -> Result<Statement<'a>, ParseError> {
        let mut guard = None;
        if self.eat('@') {
            let negated = self.eat('!');
            guard = Some((self.word("a predicate")?, negated));
        }
        let line = self.line();
        let opcode = self.word("an instruction")?;
        let mut modifiers = Vec::new();
        while let Some(modifier) = self.dotted() {
            modifiers.push(modifier);
        }
        let mut operands = Vec::new();
        while !self.eat(';') {
            if !operands.is_empty() {
                self.expect(',')?;
            }
            operands.push(self.operand(true)?);
        }
        Ok(Statement {
            line,
            guard,
            opcode,
            modifiers,
            operands,
        })
    }

    fn operand(&mut self, outer: bool) -> Result<Operand<'a>, ParseError> {
        match self.peek() {
            Some(TokenKind::Word("_")) => {
                self.at += 1;
                Ok(Operand::Sink)
            }
            Some(TokenKind::Word(name)) => {
                self.at += 1;
                if let Some(part) = self.dotted() {
                    return Ok(Operand::Part(name, part));
                }
                if self.eat('|') {
                    return Ok(Operand::Both(name, self.word("a second register")?));
                }
                Ok(Operand::Name(name))
            }
            Some(TokenKind::Mark('!')) => {
                self.at += 1;
                Ok(Operand::Not(self.word("a predicate")?))
            }
            Some(TokenKind::Mark('{')) if outer => {
                self.at += 1;
                let mut parts = Vec::new();
                while !self.eat('}') {
                    if !parts.is_empty() {
                        self.expect(',')?;
                    }
                    parts.push(self.operand(false)?);
                }
                Ok(Operand::Vector(parts))
            }
            Some(TokenKind::Mark('[')) if outer => {
                self.at += 1;
                let base = match self.peek() {
                    Some(TokenKind::Word(name)) => {
                        self.at += 1;
                        Base::Name(name)
                    }
                    _ => Base::Zero,
                };
                let mut offset = 0i64;
                let plus = self.eat('+');
                if plus || base == Base::Zero || self.peek() == Some(TokenKind::Mark('-')) {
                    let negative = self.eat('-');
                    let value = self.integer("an offset")?;
                    let value = i64::try_from(value).or_else(|_| self.error("too far"))?;
                    offset = if negative { -value } else { value };
                }
                self.expect(']')?;
                Ok(Operand::Address(base, offset))
            }
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Result<Operand<'a>, ParseError> {
        let negative = self.eat('-');
        let found = match self.peek() {
            Some(TokenKind::Integer(value)) => {
                let value = i128::from(value);
                Operand::Integer(if negative { -value } else { value })
            }
            Some(TokenKind::Decimal(value)) => {
                Operand::Decimal(if negative { -value } else { value })
            }
            Some(TokenKind::Single(bits)) if !negative => Operand::Single(bits),
            Some(TokenKind::Double(bits)) if !negative => Operand::Double(bits),
            _ => return self.error("an operand should stand here"),
        };
        self.at += 1;
        Ok(found)
    }
}
