//! The command `pubsub`: a hub to start, and what happens on one, on envelopes and without an event map.

mod bench;
mod follow;
mod hub;
mod members;
mod publish;
mod serve;
mod tail;
mod url;

use std::fmt::Display;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use pubsub_transports::SendError;

/// Typed publish/subscribe, from the command line.
///
/// Events are JSON envelopes: {"type":"session.status","id":"p1","payload":{"state":"busy"}}. A topic is `type`, which is
/// every id, or `type:id`. What a command says besides events goes to stderr.
///
/// Exit codes: 0 it is done, 1 it failed, 2 the arguments are wrong, 3 the other side refused, 4 no connection.
#[derive(Parser)]
#[command(name = "pubsub", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Hub(hub::Arguments),
    Tail(tail::Arguments),
    Publish(publish::Arguments),
    Bench(bench::Arguments),
    /// Print a completion script for a shell
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
}

/// Why a command ended without having done its work.
pub(crate) struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// It failed.
    pub(crate) fn failed(text: impl Display) -> Self {
        Self { code: 1, text: text.to_string() }
    }

    /// The arguments are wrong.
    pub(crate) fn usage(text: impl Display) -> Self {
        Self { code: 2, text: text.to_string() }
    }

    /// The other side refused.
    pub(crate) fn refused(text: impl Display) -> Self {
        Self { code: 3, text: text.to_string() }
    }

    /// An event was not published.
    pub(crate) fn unsent(error: SendError) -> Self {
        match error {
            SendError::Rejected(rejection) => Self::refused(rejection),
            other => Self::failed(other),
        }
    }

    /// There is no connection.
    pub(crate) fn unconnected(text: impl Display) -> Self {
        Self { code: 4, text: text.to_string() }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Hub(arguments) => hub::run(arguments).await,
        Command::Tail(arguments) => tail::run(arguments).await,
        Command::Publish(arguments) => publish::run(arguments).await,
        Command::Bench(arguments) => bench::run(arguments).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "pubsub", &mut std::io::stdout());
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, text }) => {
            eprintln!("pubsub: {text}");
            ExitCode::from(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
