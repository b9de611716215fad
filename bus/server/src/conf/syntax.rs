//! The language: keys with `:`, `=` or a space before their value, maps, arrays, strings, blocks, variables, includes, comments.

use std::path::Path;
use std::sync::Arc;

use super::fault::{Fault, Position};
use super::units;
use super::value::{Entry, Located, Map, Value};

/// How deep files may include each other and maps may nest: a file that includes itself must end.
const DEPTH_MAX: usize = 32;

/// Looks up an environment variable.
pub(crate) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// Reads a file and what it includes.
pub(crate) fn parse_file(path: &Path, environment: Environment<'_>) -> Result<Map, Fault> {
    let text = read(path, None)?;
    parse_text(&text, path, environment)
}

/// Reads a text as if it stood in `path`.
pub(crate) fn parse_text(text: &str, path: &Path, environment: Environment<'_>) -> Result<Map, Fault> {
    let mut scopes = Scopes { maps: Vec::new(), environment };
    Parser::new(text, path, &mut scopes, 0).document()
}

fn read(path: &Path, from: Option<&Position>) -> Result<String, Fault> {
    let here = Position { file: path.into(), line: 1, column: 1 };
    std::fs::read_to_string(path)
        .map_err(|error| Fault::new(from.unwrap_or(&here), format!("failed to read `{}`: {error}", path.display())))
}

/// The maps around the current place, innermost last, in which variables are looked up.
struct Scopes<'e> {
    maps: Vec<Vec<Entry>>,
    environment: Environment<'e>,
}

struct Parser<'t, 's, 'e> {
    rest: &'t str,
    position: Position,
    scopes: &'s mut Scopes<'e>,
    depth: usize,
}

// === impl Scopes ===

impl Scopes<'_> {
    fn find(&self, name: &str) -> Option<Value> {
        let mut innermost_first = self.maps.iter().rev();
        innermost_first.find_map(|entries| entries.iter().rev().find(|entry| entry.key == name)).map(|entry| entry.value.value.clone())
    }
}

// === impl Parser ===

impl<'t, 's, 'e> Parser<'t, 's, 'e> {
    fn new(text: &'t str, path: &Path, scopes: &'s mut Scopes<'e>, depth: usize) -> Self {
        let position = Position { file: Arc::from(path), line: 1, column: 1 };
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), position, scopes, depth }
    }

    /// A whole file: entries, or one map around them as in JSON.
    fn document(mut self) -> Result<Map, Fault> {
        self.skip_blank(true);
        let map = if self.take('{') { self.entries(Some('}'))? } else { self.entries(None)? };
        self.skip_blank(true);
        if self.rest.is_empty() { Ok(map) } else { Err(self.fault("unexpected text after the closing brace")) }
    }

    /// Entries up to `end` or the end of the text.
    fn entries(&mut self, end: Option<char>) -> Result<Map, Fault> {
        let position = self.position.clone();
        self.scopes.maps.push(Vec::new());
        let read = self.entries_in_scope(end);
        let entries = self.scopes.maps.pop().unwrap_or_default();
        read.map(|()| Map { entries, position })
    }

    fn entries_in_scope(&mut self, end: Option<char>) -> Result<(), Fault> {
        if DEPTH_MAX < self.depth {
            return Err(self.fault("nested too deep"));
        }
        loop {
            self.skip_blank(true);
            match self.peek() {
                None if end.is_none() => return Ok(()),
                None => return Err(self.fault("unexpected end: a closing brace is missing")),
                Some(letter) if Some(letter) == end => {
                    self.take(letter);
                    return Ok(());
                }
                Some(_) => self.entry()?,
            }
        }
    }

    fn entry(&mut self) -> Result<(), Fault> {
        let key_position = self.position.clone();
        let is_quoted = matches!(self.peek(), Some('"' | '\''));
        let key = if is_quoted {
            self.quoted()?
        } else {
            self.bare(|letter| letter.is_whitespace() || matches!(letter, ':' | '=' | '{' | '}' | '[' | ']' | ',' | ';'))
        };
        if key.is_empty() {
            return Err(Fault::new(&key_position, format!("a key is expected, not `{}`", self.peek().unwrap_or(' '))));
        }
        let has_space = self.peek().is_some_and(char::is_whitespace);
        self.skip_blank(false);
        if !is_quoted && has_space && key.eq_ignore_ascii_case("include") && !matches!(self.peek(), Some(':' | '=' | '{' | '[')) {
            return self.include(&key_position);
        }
        if matches!(self.peek(), Some(':' | '=')) {
            self.advance();
            self.skip_blank(false);
        }
        if matches!(self.peek(), None | Some('\n' | '}' | ']' | ',' | ';')) {
            return Err(Fault::new(&key_position, format!("`{key}` has no value")));
        }
        let value = self.value()?;
        self.end_of_value()?;
        self.keep(Entry { key, key_position, value });
        Ok(())
    }

    fn keep(&mut self, entry: Entry) {
        self.scopes.maps.last_mut().expect("entries are read within a scope").push(entry);
    }

    /// After a value comes a separator, a new line or the end of the map.
    fn end_of_value(&mut self) -> Result<(), Fault> {
        self.skip_blank(false);
        match self.peek() {
            None | Some('\n' | '}' | ']') => Ok(()),
            Some(',' | ';') => {
                self.advance();
                Ok(())
            }
            Some(letter) => Err(self.fault(format!("a new line, comma or semicolon is expected after the value, not `{letter}`"))),
        }
    }

    fn include(&mut self, at: &Position) -> Result<(), Fault> {
        let name = if matches!(self.peek(), Some('"' | '\'')) {
            self.quoted()?
        } else {
            self.bare(|letter| letter.is_whitespace() || matches!(letter, ';' | '}'))
        };
        self.end_of_value()?;
        let path = self.position.file.parent().unwrap_or(Path::new("")).join(name);
        let text = read(&path, Some(at))?;
        let included = Parser::new(&text, &path, self.scopes, self.depth + 1).document()?;
        included.entries.into_iter().for_each(|entry| self.keep(entry));
        Ok(())
    }

    fn value(&mut self) -> Result<Located, Fault> {
        let position = self.position.clone();
        self.depth += 1;
        let value = match self.peek() {
            Some('{') => {
                self.advance();
                Value::Map(self.entries(Some('}'))?)
            }
            Some('[') => {
                self.advance();
                Value::Array(self.array()?)
            }
            Some('(') => Value::Text(self.block()?),
            Some('"' | '\'') => Value::Text(self.quoted()?),
            _ => {
                let word = self.bare(|letter| letter.is_whitespace() || matches!(letter, ',' | ';' | ']' | '}'));
                self.word(&word, &position)?
            }
        };
        self.depth -= 1;
        Ok(Located { value, position })
    }

    fn array(&mut self) -> Result<Vec<Located>, Fault> {
        if DEPTH_MAX < self.depth {
            return Err(self.fault("nested too deep"));
        }
        let mut values = Vec::new();
        loop {
            self.skip_blank(true);
            match self.peek() {
                None => return Err(self.fault("unexpected end: a closing bracket is missing")),
                Some(']') => {
                    self.advance();
                    return Ok(values);
                }
                Some('}') => return Err(self.fault("a closing bracket is expected, not `}`")),
                Some(_) => {
                    values.push(self.value()?);
                    self.end_of_value()?;
                }
            }
        }
    }

    /// An unquoted word: a variable, a number, a boolean or a string.
    fn word(&mut self, word: &str, position: &Position) -> Result<Value, Fault> {
        // A bcrypt hash may stand unquoted.
        let is_hash = ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|prefix| word.starts_with(prefix));
        if let Some(name) = word.strip_prefix('$').filter(|_| !is_hash) {
            return self.variable(name, position);
        }
        Ok(classify(word))
    }

    fn variable(&mut self, name: &str, position: &Position) -> Result<Value, Fault> {
        if let Some(value) = self.scopes.find(name) {
            return Ok(value);
        }
        let Some(text) = (self.scopes.environment)(name) else {
            return Err(Fault::with_remedy(
                position,
                format!("variable `${name}` is not defined"),
                "define it above, or as an environment variable",
            ));
        };
        let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        Ok(quoted.map_or_else(|| classify(&text), |text| Value::Text(text.to_owned())))
    }

    fn quoted(&mut self) -> Result<String, Fault> {
        let start = self.position.clone();
        let quote = self.advance();
        let mut text = String::new();
        loop {
            match self.advance() {
                None => return Err(Fault::new(&start, "the string has no end")),
                letter if letter == quote => return Ok(text),
                Some('\\') if quote == Some('"') => text.push(self.escape()?),
                Some(letter) => text.push(letter),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        match self.advance() {
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some(letter @ ('"' | '\\')) => Ok(letter),
            Some('x') => {
                let digits: String = (0..2).filter_map(|_| self.advance()).collect();
                u8::from_str_radix(&digits, 16)
                    .ok()
                    .filter(u8::is_ascii)
                    .map(char::from)
                    .ok_or_else(|| self.fault("`\\x` needs two digits up to 7F"))
            }
            _ => Err(self.fault("unknown escape; `\\n`, `\\r`, `\\t`, `\\\"`, `\\\\` and `\\xHH` are known")),
        }
    }

    /// `( … )` over lines: everything up to a line that holds only the closing parenthesis.
    fn block(&mut self) -> Result<String, Fault> {
        let start = self.position.clone();
        self.advance();
        let mut text = String::new();
        loop {
            let line: String = self.bare(|letter| letter == '\n');
            if line.trim() == ")" {
                return Ok(text);
            }
            text.push_str(&line);
            match self.advance() {
                Some(line_feed) => text.push(line_feed),
                None => return Err(Fault::new(&start, "the block has no closing parenthesis on a line of its own")),
            }
        }
    }

    fn bare(&mut self, ends: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let text = self.rest[..end].to_owned();
        for _ in text.chars() {
            self.advance();
        }
        text
    }

    /// Skips spaces and comments, and over lines and stray separators where wanted.
    fn skip_blank(&mut self, over_lines: bool) {
        loop {
            match self.peek() {
                Some('#') => drop(self.bare(|letter| letter == '\n')),
                Some('/') if self.rest.starts_with("//") => drop(self.bare(|letter| letter == '\n')),
                Some('\n' | ',' | ';') if over_lines => drop(self.advance()),
                Some(letter) if letter.is_whitespace() && letter != '\n' => drop(self.advance()),
                _ => return,
            }
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        if is_there {
            self.advance();
        }
        is_there
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn advance(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.rest = &self.rest[letter.len_utf8()..];
        if letter == '\n' {
            self.position.line += 1;
            self.position.column = 1;
        } else {
            self.position.column += 1;
        }
        Some(letter)
    }

    fn fault(&self, text: impl Into<String>) -> Fault {
        Fault::new(&self.position, text)
    }
}

fn classify(word: &str) -> Value {
    if let Some(number) = units::integer(word) {
        return Value::Integer(number);
    }
    let looks_like_number = word.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-');
    if let Some(number) = word.parse().ok().filter(|_| looks_like_number) {
        return Value::Float(number);
    }
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Value::Boolean(true),
        "false" | "no" | "off" => Value::Boolean(false),
        _ => Value::Text(word.to_owned()),
    }
}

#[cfg(test)]
#[path = "syntax_tests.rs"]
mod tests;
