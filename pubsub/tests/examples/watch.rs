//! `quakes --watch`: where it is refused, and what it does to a terminal.

use crate::quakes::{end, quakes};
use crate::{run, stderr};

#[test]
fn without_a_terminal_it_is_refused() {
    let refusal = "quakes: `--watch` needs a terminal, and standard output is none that can be drawn on; \
                   `--help` lists what there is\n";
    for args in [&["--watch"][..], &["--speed", "9", "--watch"], &["no/such.jsonl", "--watch"]] {
        let output = run(quakes().args(args).env("TERM", "xterm"));
        assert_eq!(stderr(&output), refusal);
        assert_eq!(end(&output), ("", Some(2)));
    }
}

/// On a pseudo-terminal, which `script` of util-linux makes; it has other arguments on other systems.
#[cfg(target_os = "linux")]
mod on_a_terminal {
    use std::io::{Read, Write};
    use std::process::{Child, Command, Stdio};

    use super::quakes;

    const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
    const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";
    const LAST_LINE: &str = "published 1707 delivered 1707 missed 0\r\n";

    /// `quakes --watch` with more arguments.
    fn watched(args: &str) -> Command {
        let program = quakes();
        let mut command = Command::new("script");
        command.arg("--quiet").arg("--return").arg("--command");
        command.arg(format!("'{}' --watch {args}", program.get_program().display())).arg("/dev/null");
        command.env("SHELL", "/bin/sh").env("TERM", "xterm").env_remove("COLUMNS").env_remove("LINES");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(command: &mut Command) -> Child {
        command.spawn().expect("`script` is there; it belongs to util-linux")
    }

    /// What was drawn on the other screen, and what was printed when it was left; and the exit status.
    fn watch(command: &mut Command) -> (String, String, Option<i32>) {
        let output = start(command).wait_with_output().expect("`script` ends");
        let text = String::from_utf8(output.stdout).expect("it draws UTF-8");
        let text = text.split_once(ENTER).expect("it asks for another screen").1;
        let (drawn, printed) = text.split_once(LEAVE).expect("it gives the screen back");
        (drawn.to_owned(), printed.to_owned(), output.status.code())
    }

    /// The lines of the last frame, without colours.
    fn last_frame(drawn: &str) -> Vec<String> {
        let (_, frame) = drawn.rsplit_once("\x1b[H").expect("a frame begins in the corner");
        let sequences_removed = |line: &str| {
            let mut parts = line.split("\x1b[");
            let before = parts.next().unwrap_or_default().to_owned();
            parts.fold(before, |text, part| {
                text + part.split_once(|end: char| end.is_ascii_alphabetic()).map_or("", |(_, rest)| rest)
            })
        };
        frame.split("\r\x1b[B").map(sequences_removed).collect()
    }

    /// As fast as it goes: the time of windows and joins is that of the quakes.
    #[test]
    fn the_week_is_drawn_and_then_printed() {
        let (drawn, printed, status) = watch(&mut watched("--speed 1e12"));
        let modes = [drawn.as_str(), printed.as_str()].map(|text| text.contains("\x1b[?"));
        assert_eq!(modes, [false, false], "the screen is changed once, and once restored");
        assert!(printed.starts_with("\x1b[1mEarthquakes, 2018-01-31 01:49"), "{printed}");
        assert!(printed.ends_with(LAST_LINE), "{printed}");
        assert_eq!(status, Some(0));

        let frame = last_frame(&drawn);
        assert_eq!(frame.len(), 40);
        assert_eq!(frame[0], "Earthquakes, 2018-02-07 01:26 UTC");
        assert!(frame[39].ends_with("█  1707 of 1707 reports, Ctrl-C ends"), "{}", frame[39]);
        let widest = frame.iter().map(|line| line.chars().count()).max();
        assert!(widest < Some(80), "{widest:?}");
    }

    /// The operators, at the highest speed: a wait in the wrong place would lose pairs or windows.
    #[test]
    fn every_felt_report_finds_its_quake_and_every_network_has_its_windows() {
        let (drawn, ..) = watch(watched("--speed 1e12").env("LINES", "200"));
        let frame = last_frame(&drawn);
        let section = |heading: &str| {
            let lines = frame.iter().skip_while(move |line| !line.starts_with(heading)).skip(1);
            lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>()
        };
        let felt = section("Felt ");
        assert_eq!(felt.len(), 121);
        assert_eq!(felt[1], "  2018-02-06 21:54      1   5.0      108  98km ESE of Vanj, Tajikistan");
        let networks = section("By network");
        assert_eq!(networks.len(), 12);
        // All have reported something; the last of these long before the end.
        assert!(networks[0].contains("Southern California   ci"), "{}", networks[0]);
        assert!(networks[..3].iter().all(|line| line.ends_with(['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'])));
        assert!(networks[11].contains("Southeastern U.S.     se       0"), "{}", networks[11]);
        let strong = frame.iter().find(|line| line.starts_with("Newest strong: "));
        let strong = strong.expect("a line for it");
        assert!(strong.contains("5.0  98km ESE of Vanj, Tajikis…, 108 km deep, 3 h 32 min ago"), "{strong}");
    }

    #[test]
    fn a_low_terminal_keeps_the_map_and_the_last_line() {
        let (drawn, ..) = watch(watched("--speed 1e12").env("LINES", "23"));
        let frame = last_frame(&drawn);
        assert_eq!(frame.len(), 23);
        assert!(frame[18].starts_with("  magnitude  ◉ 6+"), "{}", frame[18]);
        assert!(frame[22].contains("1707 of 1707"), "{}", frame[22]);
    }

    #[test]
    fn a_narrow_terminal_has_no_map() {
        let (drawn, printed, _) = watch(watched("--speed 1e12").env("COLUMNS", "40").env("LINES", "10"));
        let frame = last_frame(&drawn);
        assert_eq!(frame.len(), 10);
        assert!(frame[9].contains("1707 of 1707"), "{}", frame[9]);
        assert!(!drawn.contains('◉') && printed.ends_with(LAST_LINE));
    }

    /// Ctrl-C, typed once the other screen is there. At this speed the replay would end with success after some seconds
    /// if it were not heard.
    #[test]
    fn an_interrupt_gives_the_screen_back() {
        let mut child = start(&mut watched("--speed 100000"));
        let mut stdout = child.stdout.take().expect("it is piped");
        let (mut seen, mut bytes) = (Vec::new(), [0; 4_096]);
        while !String::from_utf8_lossy(&seen).contains(ENTER) {
            let read = stdout.read(&mut bytes).expect("the terminal can be read");
            assert!(read > 0, "the program ended before it began");
            seen.extend_from_slice(&bytes[..read]);
        }
        let mut keyboard = child.stdin.take().expect("it is piped");
        keyboard.write_all(b"\x03").expect("the terminal is there");
        stdout.read_to_end(&mut seen).expect("the terminal can be read");
        let seen = String::from_utf8_lossy(&seen);
        let (_, printed) = seen.split_once(LEAVE).expect("it gives the screen back");
        assert_eq!(printed.trim_end(), "", "nothing is printed after that");
        assert_eq!(child.wait().expect("`script` ends").code(), Some(130));
    }
}
