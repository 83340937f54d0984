//! How the command ends: its exit codes, and what it says of a mistake.

use std::net::TcpListener;

use crate::harness::{Ended, Hub, Running, Server, pubsub, run};

/// Nobody listens there.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port()
}

fn assert_code(arguments: &[&str], code: i32, says: &str) -> Ended {
    let ended = run(arguments);
    assert_eq!((ended.code, &*ended.stdout), (code, ""), "{arguments:?}: {}", ended.stderr);
    assert!(ended.stderr.contains(says), "{arguments:?}: {}", ended.stderr);
    ended
}

#[test]
fn wrong_arguments_are_2() {
    let hub = Hub::start(&[]);
    let url = &*hub.url();
    for (arguments, says) in [
        (&["publish", url, "chat", "a", "{"][..], "the payload is no JSON"),
        (&["publish", url, "a:b", "a", "1"], "':'"),
        (&["publish", url, "chat", "a", "1", "--event-id", "7"], "--event-id"),
        (&["publish", url, "chat", "a", "1", "--streams"], "--streams"),
        (&["publish", "http://127.0.0.1", "chat", "a", "1"], "ws://"),
        (&["publish", "redis://127.0.0.1:x", "chat", "a", "1"], "redis://"),
        (&["tail", url], "TOPICS"),
        (&["tail", url, "__subscribe"], "__"),
        (&["tail", url, "chat", "--token-file", "/nowhere/at/all"], "/nowhere/at/all"),
        (&["tail", url, "chat", "--count", "few"], "--count"),
        (&["bench", url, "--topic", "a:b"], "':'"),
        (&["hub", "--retention", "7"], "--redis"),
        (&["hub", "--redis", "ws://127.0.0.1"], "redis://"),
        (&["fly"], "fly"),
        (&[], "Usage"),
    ] {
        assert_code(arguments, 2, says);
    }
}

#[test]
fn what_the_other_side_refuses_is_3() {
    let hub = Hub::start(&["--token", "ada=hunter2", "--direct", "inbox"]);
    let url = &*hub.url();
    assert_code(&["tail", url, "chat"], 3, "not authenticated");
    assert_code(&["publish", url, "chat", "a", "1"], 3, "not authenticated");
    assert_code(&["publish", url, "chat", "a", "1", "--token", "hunter3"], 3, "not authenticated");
    assert_code(&["publish", url, "inbox", "bob", "1", "--token", "hunter2"], 3, "denied");
    assert_code(&["tail", url, "inbox:bob", "--token", "hunter2"], 3, "denied");
    let large = format!("\"{}\"", "x".repeat(70_000));
    assert_code(&["publish", url, "chat", "a", &large, "--token", "hunter2"], 3, "too_large");
    assert_eq!(run(&["publish", url, "inbox", "ada", "1", "--token", "hunter2"]).code, 0);

    let redis = Server::start();
    redis.cli(&["CONFIG", "SET", "requirepass", "hunter2"]);
    assert_code(&["tail", &redis.url(), "chat"], 3, "NOAUTH");
    assert_code(&["hub", "--listen", "127.0.0.1:0", "--redis", &redis.url()], 3, "NOAUTH");
    let url = format!("redis://:hunter2@127.0.0.1:{}", redis.port);
    assert_eq!(run(&["publish", &url, "chat", "a", "1"]).code, 0);
}

#[test]
fn no_connection_is_4() {
    for scheme in ["ws", "redis"] {
        let url = &*format!("{scheme}://127.0.0.1:{}", nobody());
        assert_code(&["tail", url, "chat"], 4, "refused");
        assert_code(&["publish", url, "chat", "a", "1"], 4, "refused");
        assert_code(&["bench", url], 4, "refused");
    }
    let url = &*format!("redis://127.0.0.1:{}", nobody());
    assert_code(&["hub", "--listen", "127.0.0.1:0", "--redis", url], 4, "refused");
}

#[test]
fn what_fails_is_1() {
    let hub = Hub::start(&[]);
    assert_code(&["hub", "--listen", hub.address()], 1, "cannot listen");
    assert_code(&["hub", "--listen", "nowhere at all"], 1, "cannot listen");
}

/// Neither by what reads the arguments, nor by us.
#[test]
fn a_token_that_is_mistyped_is_not_printed() {
    for (variable, arguments) in [
        (Some("hunter2"), &["hub", "--listen", "127.0.0.1:0"][..]),
        (Some("ada=a,hunter2"), &["hub", "--listen", "127.0.0.1:0"]),
        (None, &["hub", "--listen", "127.0.0.1:0", "--token", "hunter2"]),
        (None, &["hub", "--listen", "127.0.0.1:0", "--token", "a:b=hunter2"]),
    ] {
        let mut command = pubsub(arguments);
        if let Some(tokens) = variable {
            command.env("PUBSUB_TOKENS", tokens);
        }
        let ended = Running::start(command).end();
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(!(ended.stderr + &ended.stdout).contains("hunter2"), "{arguments:?}");
    }
}

/// Nor is a password that is right, where nobody listens.
#[test]
fn a_password_in_a_url_is_not_printed() {
    let silent = |url: &str, ended: Ended, code| {
        assert!(!(ended.stderr.clone() + &ended.stdout).contains("hunter2"), "{url}: {ended:?}");
        assert_eq!(ended.code, code, "{url}: {ended:?}");
    };
    let nobody = nobody();
    let of_redis = [
        (format!("redis://:hunter2@127.0.0.1:{nobody}"), 4),
        (format!("redis://ada:hunter2@127.0.0.1:{nobody}"), 4),
        (format!("redis://ada:hunter2@127.0.0.1:{nobody}/many"), 2),
        ("redis://ada:hunter2@127.0.0.1:port".to_owned(), 2),
    ];
    // Neither is how a token is said, and both are tried.
    let of_a_hub = [
        (format!("ws://ada:hunter2@127.0.0.1:{nobody}/ws"), 2),
        (format!("ws://127.0.0.1:{nobody}/ws?token=hunter2"), 4),
    ];
    for (url, code) in &of_redis {
        silent(url, run(&["hub", "--listen", "127.0.0.1:0", "--redis", url]), *code);
        let mut command = pubsub(&["hub", "--listen", "127.0.0.1:0"]);
        command.env("PUBSUB_REDIS", url);
        silent(url, Running::start(command).end(), *code);
    }
    for (url, code) in of_redis.iter().chain(&of_a_hub) {
        for arguments in [&["tail", url, "chat"][..], &["publish", url, "chat", "a", "1"], &["bench", url]] {
            silent(url, run(arguments), *code);
        }
    }
}

#[test]
fn a_reader_that_has_enough_ends_tail() {
    let hub = Hub::start(&[]);
    let script = format!("{} tail {} chat | head -n 1", env!("CARGO_BIN_EXE_pubsub"), hub.url());
    let mut command = std::process::Command::new("bash");
    command.args(["-o", "pipefail", "-c", &script]);
    let mut pipe = Running::start(command);
    pipe.says("following");
    crate::harness::publish(&[&hub.url(), "chat", "a", "1"]);
    assert!(pipe.line().contains(r#""payload":1"#));
    // The next finds nobody who reads.
    crate::harness::publish(&[&hub.url(), "chat", "a", "2"]);
    assert_eq!(pipe.end().code, 0);
}
