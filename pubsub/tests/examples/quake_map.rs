//! `quake_map`: the page and the events as a client of HTTP gets them. `tests/all` looks at it with a browser.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::{example, run, stderr, stdout};

/// Long, for a busy machine: no test waits for it to be over.
const DEADLINE: Duration = Duration::from_secs(60);

/// The example, on a port of its own.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        let mut command = example("quake_map");
        command.args(["--listen", "127.0.0.1:0"]).args(args).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the example starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let address =
            line.trim().strip_prefix("listening on http://").and_then(|line| line.strip_suffix('/'));
        let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { process, address }
    }

    /// What is answered to a request, as it comes.
    fn get(&self, path: &str, headers: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a duration above zero");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.address);
        stream.write_all(request.as_bytes()).expect("it reads");
        BufReader::new(stream)
    }

    /// A whole answer.
    fn page(&self, path: &str) -> String {
        let mut text = String::new();
        self.get(path, "Connection: close\r\n").read_to_string(&mut text).expect("it answers with text");
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn every_file_of_the_page_is_served_and_may_load_nothing_from_elsewhere() {
    let server = Server::start(&["--once"]);
    for (path, kind) in [
        ("/", "text/html"),
        ("/map.css", "text/css"),
        ("/map.js", "text/javascript"),
        ("/projection.js", "text/javascript"),
        ("/land.js", "text/javascript"),
    ] {
        let answer = server.page(path);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        assert!(answer.contains(&format!("\r\ncontent-type: {kind}; charset=utf-8\r\n")), "{path}");
        assert!(
            answer.contains("\r\ncontent-security-policy: default-src 'none'; script-src 'self'"),
            "{path}"
        );
        // The namespace of SVG is a name, and no address that is asked.
        let text = answer.replace("http://www.w3.org/2000/svg", "");
        let comments = text.lines().filter(|line| !line.starts_with("//"));
        assert!(comments.filter(|line| line.contains("://")).count() == 0, "{path}");
    }
    for path in ["/hub", "/hub/pubsub.js", "/hub/health", "/hub/stats"] {
        assert!(server.page(path).starts_with("HTTP/1.1 200 "), "{path}");
    }
    assert!(server.page("/hub").contains("<base href=\"./hub/\">"));
    assert!(server.page("/elsewhere").starts_with("HTTP/1.1 404 "));
}

#[test]
fn a_follower_gets_the_replay_and_its_quakes() {
    let server = Server::start(&["--speed", "1e7"]);
    let lines = server.get("/hub/sse?topic=quake.reported&topic=replay.ended", "").lines();
    let mut events = lines.filter_map(|line| {
        let line = line.expect("the stream goes on");
        let event: serde_json::Value =
            serde_json::from_str(line.strip_prefix("data:")?).expect("an envelope");
        Some(event)
    });
    let end = events.find(|event| event["type"] == "replay.ended").expect("the week ends");
    assert_eq!(end["payload"]["again"], true);
    // The next week, which begins after a pause. Whether it is the second one depends on when this began to follow.
    let first = events.next().expect("it begins again");
    assert_eq!((&first["type"], &first["id"]), (&"quake.reported".into(), &"uw".into()));
    assert_eq!(first["payload"]["place"], "37km NNE of Amboy, Washington");
    assert_eq!(first["offset"], end["offset"].as_u64().expect("a position") * 1707 + 1);
}

#[test]
fn a_wrong_option_is_refused() {
    for (args, reason) in [
        (&["--sped", "1"][..], r#"unknown option "--sped""#),
        (&["--speed"], "`--speed` needs a value"),
        (&["--speed", "0"], r#"`--speed` needs a number from 1 to 100000000, and "0" is none"#),
        (
            &["--listen", "here"],
            "`--listen` needs an address with a port, like 127.0.0.1:8080, and \"here\" is none",
        ),
    ] {
        let output = run(example("quake_map").args(args));
        assert_eq!(stderr(&output), format!("quake_map: {reason}; `--help` lists what there is\n"));
        assert_eq!((stdout(&output), output.status.code()), ("", Some(2)));
    }
}

#[test]
fn help_is_printed() {
    let output = run(example("quake_map").arg("--help"));
    assert!(stdout(&output).contains("usage: quake_map [--listen ADDR] [--speed N] [--once]"));
    assert_eq!(output.status.code(), Some(0));
}
