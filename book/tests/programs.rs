//! The programs of the tutorial, and that of the calculation, print what the book says.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use pubsub_book::server::Server;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn is_what_the_book_says(file: &str, printed: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tutorial").join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, printed).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert_eq!(printed, expected, "{file}");
}

fn output(program: &str, arguments: &[&str]) -> String {
    // A handler of the tutorial panics on purpose: its backtrace would only be noise here.
    let output = Command::new(program).args(arguments).env("RUST_BACKTRACE", "0").output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

macro_rules! programs {
    ($($name:ident $bin:literal)+) => {$(
        #[test]
        fn $name() {
            let printed = output(env!(concat!("CARGO_BIN_EXE_", $bin)), &[]);
            is_what_the_book_says(concat!(stringify!($name), ".txt"), &printed);
        }
    )+};
}

programs! {
    events "tutorial-events"
    ids "tutorial-ids"
    operators "tutorial-operators"
    slow "tutorial-slow"
    handlers "tutorial-handlers"
    redis "tutorial-redis"
    workers "tutorial-workers"
    testing "tutorial-testing"
    stopping "tutorial-stopping"
    million "tutorial-million"
}

const REDIS: &str = env!("CARGO_BIN_EXE_tutorial-redis");
const HUB: &str = env!("CARGO_BIN_EXE_tutorial-hub");

/// A program in a terminal of its own, which ends with its test.
struct Terminal {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Terminal {
    fn run(program: &str, arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("piped")?);
        Ok(Self { child, lines })
    }

    /// The next line, with its end.
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        assert!(line.ends_with('\n'), "it ended after {line:?}");
        Ok(line)
    }

    /// What it prints until it ends by itself.
    fn rest(&mut self) -> Result<String> {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest)?;
        assert!(self.child.wait()?.success());
        Ok(rest)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn redis_in_two_terminals() -> Result<()> {
    let server = Server::start()?;
    let mut board = Terminal::run(REDIS, &["board", &server.url()])?;
    let waiting = board.line()?;
    is_what_the_book_says("redis-docks.txt", &output(REDIS, &["docks", &server.url()]));
    is_what_the_book_says("redis-board.txt", &(waiting + &board.rest()?));
    Ok(())
}

#[test]
fn redis_by_hand() -> Result<()> {
    let server = Server::start()?;
    let mut board = Terminal::run(REDIS, &["board", &server.url()])?;
    let waiting = board.line()?;
    let message = r#"{"type":"notice.board","id":"en","payload":"we close early"}"#;
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("chapters/tutorial/redis.md"))?;
    assert!(page.contains(&format!("redis-cli PUBLISH notice.board:en '{message}'")), "another message");
    output("redis-cli", &["-u", &server.url(), "PUBLISH", "notice.board:en", message]);
    is_what_the_book_says("redis-cli.txt", &(waiting + &board.rest()?));
    Ok(())
}

/// The page in a browser is a part of `tests/all`: `tests/tests/web/browser/tutorial.test.mjs`.
#[test]
fn hub_a_page_and_another_process() -> Result<()> {
    let mut server = Terminal::run(HUB, &["--listen", "127.0.0.1:0"])?;
    let listening = server.line()?;
    let (_, address) =
        listening.trim_end().trim_end_matches('/').split_once("http://").ok_or("no address")?;

    assert!(get(address, "/")?.contains("<title>Bikes</title>"));
    assert!(get(address, "/events/pubsub.js")?.contains("export class PubSub"));

    let dock = output(HUB, &["dock", &format!("ws://{address}/events/ws")]);
    is_what_the_book_says("hub-dock.txt", &dock);
    let printed = listening.replace(address, "127.0.0.1:8080") + &server.line()?;
    is_what_the_book_says("hub.txt", &printed);
    Ok(())
}

fn get(address: &str, path: &str) -> Result<String> {
    let mut socket = TcpStream::connect(address)?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    Ok(answer)
}
