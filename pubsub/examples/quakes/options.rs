//! What may be asked on the command line.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
Replays a week of earthquakes as typed events, and shows what its subscribers made of them.

usage: quakes [FILE | -] [--watch] [--speed N]

  FILE         JSON lines with the fields of examples/data/README.md; `-` reads standard input
               (default: the week that comes with the example)
  --watch      show the quakes on the terminal as they happen, then what is printed without it
  --speed N    replay N times as fast as it happened: 3600 makes an hour a second
               (default: as fast as it goes, and 3600 with --watch)
  --help       this text

exit status: 0, or 1 if a line was skipped or the input cannot be read, or 2 for a wrong option,
             or 130 if --watch was interrupted
environment: COLUMNS is the width of what is printed (that of the terminal, or 80), NO_COLOR switches colours off;
             --watch asks the terminal how large it is, and goes by COLUMNS and LINES if it does not say
";

pub(crate) enum Request {
    Help,
    Replay(Options),
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Options {
    pub(crate) source: Source,
    /// How many times as fast as it happened; `None` for as fast as it goes.
    pub(crate) speed: Option<f64>,
    /// On the terminal, as it happens.
    pub(crate) watch: bool,
}

/// An hour a second: what is watched.
const WATCHED: f64 = 3_600.0;

#[derive(Debug, Default, PartialEq)]
pub(crate) enum Source {
    #[default]
    BuiltIn,
    File(PathBuf),
    Stdin,
}

/// Why the command line makes no sense.
pub(crate) enum BadOption {
    Unknown(OsString),
    TwoFiles(OsString),
    NoSpeed,
    Speed(OsString),
    NoTerminal,
}

impl Request {
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, BadOption> {
        let mut args = args.into_iter();
        let mut options = Options::default();
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--help" | "-h") => return Ok(Self::Help),
                Some("--watch") => options.watch = true,
                Some("--speed") => options.speed = Some(speed(args.next().ok_or(BadOption::NoSpeed)?)?),
                Some(text) if text.starts_with("--speed=") => {
                    options.speed = Some(speed(text["--speed=".len()..].into())?);
                }
                Some(text) if text.starts_with('-') && text != "-" => return Err(BadOption::Unknown(arg)),
                _ if options.source != Source::BuiltIn => return Err(BadOption::TwoFiles(arg)),
                Some("-") => options.source = Source::Stdin,
                _ => options.source = Source::File(arg.into()),
            }
        }
        if options.watch {
            options.speed.get_or_insert(WATCHED);
        }
        Ok(Self::Replay(options))
    }
}

fn speed(value: OsString) -> Result<f64, BadOption> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.filter(|speed: &f64| speed.is_finite() && *speed > 0.0).ok_or(BadOption::Speed(value))
}

impl fmt::Display for BadOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(option) => write!(f, "unknown option {option:?}"),
            Self::TwoFiles(second) => write!(f, "one file at a time: what is {second:?}?"),
            Self::NoSpeed => f.write_str("`--speed` needs a number: `--speed 3600` makes an hour a second"),
            Self::NoTerminal => {
                f.write_str("`--watch` needs a terminal, and standard output is none that can be drawn on")
            }
            Self::Speed(value) => write!(f, "`--speed` needs a number above 0, and {value:?} is none"),
        }
    }
}
