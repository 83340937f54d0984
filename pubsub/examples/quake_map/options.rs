//! What may be asked on the command line.

use std::net::SocketAddr;

use crate::replay::Pace;

pub(crate) const HELP: &str = "\
Serves a map on which a week of earthquakes appears as it happened.

usage: quake_map [--listen ADDR] [--speed N] [--once]

  --listen ADDR  where to serve it; port 0 takes a free one (default: 127.0.0.1:8080)
  --speed N      replay N times as fast as it happened (default: 3600, an hour a second)
  --once         once, and not again and again
  --help         this text
";

/// An hour a second: the week takes not quite three minutes.
const SPEED: f64 = 3_600.0;

/// The fastest: a week in six milliseconds, if the machine can.
const FASTEST: f64 = 1e8;

pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    pub(crate) pace: Pace,
}

impl Options {
    /// What is asked; `None` for the help.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        let mut options = Self { listen, pace: Pace { speed: SPEED, once: false } };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value"));
            match arg.as_str() {
                "--help" | "-h" => return Ok(None),
                "--once" => options.pace.once = true,
                "--listen" => {
                    let text = value()?;
                    let address = text.parse();
                    options.listen = address.map_err(|_| {
                        format!("`--listen` needs an address with a port, like 127.0.0.1:8080, and {text:?} is none")
                    })?;
                }
                "--speed" => {
                    let text = value()?;
                    let speed = text.parse().ok().filter(|speed: &f64| (1.0..=FASTEST).contains(speed));
                    options.pace.speed = speed.ok_or_else(|| {
                        format!("`--speed` needs a number from 1 to {FASTEST}, and {text:?} is none")
                    })?;
                }
                _ => return Err(format!("unknown option {arg:?}")),
            }
        }
        Ok(Some(options))
    }
}
