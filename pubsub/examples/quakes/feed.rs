//! Reading: one JSON object a line becomes one [`Record`], or the reason why it cannot.

use std::fmt;
use std::io::{self, BufRead, Read};

use serde_json::{Map, Value};

use crate::calendar::Timestamp;
use crate::events::{Network, Quake, QuakeId};

/// What was read: the good lines, and what is wrong with the others.
#[derive(Default)]
pub(crate) struct Feed {
    pub(crate) records: Vec<Record>,
    pub(crate) malformed: Vec<Malformed>,
}

/// One line of the feed.
pub(crate) struct Record {
    pub(crate) network: Network,
    pub(crate) quake: Quake,
    /// Reports of people who felt it.
    pub(crate) felt: u32,
    pub(crate) tsunami: bool,
}

/// A line that was skipped.
pub(crate) struct Malformed {
    line: usize,
    reason: Reason,
}

/// Bytes of a line that are read; a record has some 250.
const LONGEST: u64 = 1 << 20;

/// What is wrong with a line.
enum Reason {
    TooLong,
    NotJson { column: usize, message: String },
    NotAnObject,
    Missing { field: &'static str },
    Type { field: &'static str, found: String, expected: &'static str },
    Range { field: &'static str, found: String, range: String },
}

impl Feed {
    /// Reads to the end of `input`. Empty lines count as lines and are nothing else.
    pub(crate) fn read(mut input: impl BufRead) -> io::Result<Self> {
        let (mut feed, mut bytes) = (Self::default(), Vec::new());
        for line in 1.. {
            bytes.clear();
            // Bytes, not `lines()`: one line that is not UTF-8 must not end the reading.
            if input.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            if bytes.len() as u64 == LONGEST && bytes.last() != Some(&b'\n') {
                input.skip_until(b'\n')?;
                feed.malformed.push(Malformed { line, reason: Reason::TooLong });
                continue;
            }
            // Some editors begin a file with a byte order mark.
            let bytes =
                bytes.strip_prefix(b"\xEF\xBB\xBF".as_slice()).filter(|_| line == 1).unwrap_or(&bytes);
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            // Without the line end, after which a parser would count columns from 0.
            match Record::parse(line, bytes.trim_ascii_end()) {
                Ok(record) => feed.records.push(record),
                Err(reason) => feed.malformed.push(Malformed { line, reason }),
            }
        }
        Ok(feed)
    }
}

impl Record {
    fn parse(number: usize, line: &[u8]) -> Result<Self, Reason> {
        let Value::Object(object) = serde_json::from_slice(line).map_err(Reason::not_json)? else {
            return Err(Reason::NotAnObject);
        };
        let fields = Fields(&object);
        Ok(Self {
            network: fields.network("net")?,
            quake: Quake {
                id: fields.id("id", number)?,
                time: fields.time("time")?,
                magnitude: fields.number("mag", -5.0, 12.0)?,
                place: fields.text("place")?,
                lon: fields.number("lon", -180.0, 180.0)?,
                lat: fields.number("lat", -90.0, 90.0)?,
                depth_km: fields.number("depth_km", -20.0, 6_400.0)?,
                kind: fields.text("kind")?,
            },
            felt: fields.count_or_null("felt")?,
            tsunami: fields.flag("tsunami")?,
        })
    }
}

/// The fields of a record, each asked for by name and type. Those that nobody asks for may be anything.
struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn get(&self, field: &'static str) -> Result<&Value, Reason> {
        self.0.get(field).ok_or(Reason::Missing { field })
    }

    fn typed<T>(
        &self,
        field: &'static str,
        expected: &'static str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, Reason> {
        let value = self.get(field)?;
        read(value).ok_or_else(|| Reason::Type { field, found: shown(value), expected })
    }

    fn number(&self, field: &'static str, min: f64, max: f64) -> Result<f64, Reason> {
        let number = self.typed(field, "a number", Value::as_f64)?;
        if (min..=max).contains(&number) {
            Ok(number)
        } else {
            Err(Reason::Range { field, found: shown(self.get(field)?), range: format!("{min} to {max}") })
        }
    }

    fn time(&self, field: &'static str) -> Result<Timestamp, Reason> {
        let ms = self.typed(field, "whole milliseconds since 1970", Value::as_i64)?;
        Timestamp::from_ms(ms).ok_or_else(|| Reason::Range {
            field,
            found: ms.to_string(),
            range: "the years 0 to 9999".to_owned(),
        })
    }

    /// Text for a line of a terminal: control characters could move its cursor.
    fn text(&self, field: &'static str) -> Result<String, Reason> {
        self.typed(field, "a text without control characters", |value| {
            let text = value.as_str().filter(|text| !text.contains(char::is_control))?;
            Some(text.to_owned())
        })
    }

    /// A record needs no id of a catalogue: its line is one too.
    fn id(&self, field: &'static str, line: usize) -> Result<QuakeId, Reason> {
        let id = if self.0.contains_key(field) { self.text(field)? } else { format!("line {line}") };
        Ok(QuakeId(id))
    }

    fn network(&self, field: &'static str) -> Result<Network, Reason> {
        self.typed(field, "the code of a network, 1 to 8 letters or digits", |value| {
            value.as_str()?.parse().ok()
        })
    }

    /// Not more than 32 bits, so that no number of lines adds up to more than 64.
    fn count_or_null(&self, field: &'static str) -> Result<u32, Reason> {
        let count = self.typed(field, "a count or null", |value| match value {
            Value::Null => Some(0),
            value => value.as_u64(),
        })?;
        u32::try_from(count).map_err(|_| Reason::Range {
            field,
            found: count.to_string(),
            range: format!("0 to {}", u32::MAX),
        })
    }

    fn flag(&self, field: &'static str) -> Result<bool, Reason> {
        self.typed(field, "0 or 1", |value| match value.as_u64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
    }
}

/// A value as a message may show it: escaped, and not endless.
fn shown(value: &Value) -> String {
    const MOST: usize = 40;
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().count() > MOST => {
            format!("{:?}...", text.chars().take(MOST).collect::<String>())
        }
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

impl Reason {
    #[expect(clippy::needless_pass_by_value, reason = "for `map_err`, which gives it by value")]
    fn not_json(error: serde_json::Error) -> Self {
        // It knows one line only, and calls it line 1.
        let place = format!(" at line {} column {}", error.line(), error.column());
        Self::NotJson { column: error.column(), message: error.to_string().replace(&place, "") }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "longer than {LONGEST} bytes"),
            Self::NotJson { column, message } => write!(f, "not JSON: {message}, column {column}"),
            Self::NotAnObject => f.write_str("not a record: a JSON object is needed"),
            Self::Missing { field } => write!(f, "`{field}` is missing"),
            Self::Type { field, found, expected } => write!(f, "`{field}` is {found}, not {expected}"),
            Self::Range { field, found, range } => write!(f, "`{field}` is {found}, outside {range}"),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}
