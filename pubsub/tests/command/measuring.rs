//! `bench`, `completions` and `--help`.

use std::process::Command;

use crate::harness::{Hub, Server, output, run};

#[test]
fn bench_says_each_second_how_much_and_how_fast_and_all_of_it_at_the_end() {
    let (hub, redis) = (Hub::start(&[]), Server::start());
    let (hub_url, redis_url) = (hub.url(), redis.url());
    for target in [&[&*hub_url][..], &[&*redis_url], &[&*redis_url, "--streams"]] {
        let arguments = ["--seconds", "2", "--publishers", "2", "--subscribers", "2", "--in-flight", "8"];
        let ended = run(&[&["bench"], target, &arguments].concat());
        assert_eq!((ended.code, &*ended.stderr), (0, ""), "{target:?}");
        let lines: Vec<Vec<&str>> =
            ended.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines[0],
            ["s", "published/s", "received/s", "p50", "p90", "p99", "p999", "lost", "failed"],
            "{}",
            ended.stdout
        );
        let all = lines.last().expect("a line");
        assert_eq!(all[0], "all");
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let (published, received) = (number(all[1]), number(all[2]));
        // Two subscribers get each; some are on their way at the end.
        assert!(published > 0.0 && received > published, "{}", ended.stdout);
        let latencies: Vec<f64> = [3, 5, 7, 9].map(|place| number(all[place])).to_vec();
        assert!(latencies.is_sorted() && latencies[0] > 0.0, "{}", ended.stdout);
        assert_eq!(all[11..], ["0", "0"], "{}", ended.stdout);
        assert!(lines.len() >= 3, "{}", ended.stdout);
    }
}

/// It would be so for ever.
#[test]
fn bench_ends_where_what_it_publishes_is_refused() {
    let hub = Hub::start(&[]);
    let ended = run(&["bench", &hub.url(), "--size", "70000", "--seconds", "600"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("too_large"), "{}", ended.stderr);
}

#[test]
fn completions_complete() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = run(&["completions", shell]);
        assert_eq!((ended.code, &*ended.stderr), (0, ""), "{shell}");
        for word in ["tail", "publish", "bench", "completions", "token-file", "streams"] {
            assert!(ended.stdout.contains(word), "{shell}: {word}");
        }
    }
    let script = format!(
        "eval \"$({} completions bash)\"; COMP_WORDS=(pubsub {{words}}); COMP_CWORD={{at}}; _pubsub pubsub {{word}} x; \
         echo ${{COMPREPLY[@]}}",
        env!("CARGO_BIN_EXE_pubsub")
    );
    for (words, word, at, expected) in
        [("ta", "ta", "1", "tail"), ("tail --tok", "--tok", "2", "--token --token-file")]
    {
        let script = script.replace("{words}", words).replace("{word}", word).replace("{at}", at);
        let output = output(Command::new("bash").args(["-c", &script]));
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{output:?}");
    }
}

#[test]
fn help_says_what_there_is() {
    let help = run(&["--help"]);
    assert_eq!((help.code, &*help.stderr), (0, ""));
    for word in ["hub", "tail", "publish", "bench", "completions", "Exit codes: 0", "stderr"] {
        assert!(help.stdout.contains(word), "{word}: {}", help.stdout);
    }
    for (command, options) in [
        (
            "hub",
            &["--listen", "--redis", "--prefix", "--retention", "--history", "--token", "--anonymous"][..],
        ),
        ("tail", &["--prefix", "--streams", "--token", "--token-file", "--root-certificates", "--count"]),
        ("publish", &["--prefix", "--streams", "--event-id", "stdin"]),
        ("bench", &["--topic", "--publishers", "--subscribers", "--size", "--in-flight", "--seconds"]),
    ] {
        let help = run(&[command, "--help"]);
        assert_eq!(help.code, 0);
        for option in options {
            assert!(help.stdout.contains(option), "{command} {option}: {}", help.stdout);
        }
        // Neither in the list of processes nor where help is shown.
        assert!(!help.stdout.contains("[env: PUBSUB_TOKEN="), "{}", help.stdout);
    }
    assert_eq!(run(&["--version"]).stdout, concat!("pubsub ", env!("CARGO_PKG_VERSION"), "\n"));
}
