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

    /// `quakes --watch` with more arguments, on a terminal that does not know its size.
    fn watched(args: &str) -> Command {
        watched_after("", args)
    }

    /// `quakes --watch` at the highest speed, on a terminal of this size.
    fn watched_on(columns: usize, lines: usize) -> Command {
        watched_after(&format!("stty columns {columns} rows {lines};"), "--speed 1e12")
    }

    /// `quakes --watch` with more arguments, after some commands of the shell.
    fn watched_after(commands: &str, args: &str) -> Command {
        let program = quakes();
        let mut command = Command::new("script");
        command.arg("--quiet").arg("--return").arg("--command");
        let program = program.get_program().display();
        command.arg(format!("{commands} exec '{program}' --watch {args}")).arg("/dev/null");
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

    /// The lines below a heading.
    fn section<'a>(frame: &'a [String], heading: &str) -> Vec<&'a str> {
        let lines = frame.iter().skip_while(|line| !line.starts_with(heading)).skip(1);
        lines.take_while(|line| !line.is_empty()).map(String::as_str).collect()
    }

    fn has_map(frame: &[String]) -> bool {
        frame.iter().any(|line| line.starts_with("  magnitude  ◉ 6+"))
    }

    /// As fast as it goes: the time of windows and joins is that of the quakes.
    #[test]
    fn the_week_is_drawn_and_then_printed() {
        let (drawn, printed, status) = watch(&mut watched_on(80, 40));
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
        let felt = section(&frame, "Felt ");
        assert_eq!(felt.len(), 121);
        assert_eq!(felt[1], "  2018-02-06 21:54      1   5.0      108  98km ESE of Vanj, Tajikistan");
        let networks = section(&frame, "By network");
        assert_eq!(networks.len(), 12);
        // All have reported something; the last of these long before the end.
        assert!(networks[0].contains("Southern California   ci"), "{}", networks[0]);
        assert!(networks[..3].iter().all(|line| line.ends_with(['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'])));
        assert!(networks[11].contains("Southeastern U.S.     se       0"), "{}", networks[11]);
        let strong = frame.iter().find(|line| line.starts_with("Newest strong: "));
        let strong = strong.expect("a line for it");
        assert!(strong.contains("5.0  98km ESE of Vanj, Tajikis…, 108 km deep, 3 h 32 min ago"), "{strong}");
    }

    /// What groups, windows and joins make is there before the map is, which is on a higher terminal.
    #[test]
    fn the_tables_come_before_the_map() {
        for (lines, networks, felt, map) in [(24, 9, 6, false), (40, 7, 6, true), (50, 12, 11, true)] {
            let (drawn, ..) = watch(&mut watched_on(80, lines));
            let frame = last_frame(&drawn);
            assert_eq!(frame.len(), lines);
            let rows = [section(&frame, "By network").len(), section(&frame, "Felt ").len()];
            assert_eq!((rows, has_map(&frame)), ([networks, felt], map), "{frame:#?}");
            assert!(frame[lines - 1].contains("1707 of 1707"), "{frame:#?}");
        }
    }

    #[test]
    fn a_terminal_that_does_not_know_its_size_is_taken_for_80_by_24() {
        let (drawn, ..) = watch(&mut watched("--speed 1e12"));
        let frame = last_frame(&drawn);
        assert_eq!((frame.len(), has_map(&frame)), (24, false));
        let (drawn, ..) = watch(watched("--speed 1e12").env("LINES", "40"));
        let frame = last_frame(&drawn);
        assert_eq!((frame.len(), has_map(&frame)), (40, true));
    }

    #[test]
    fn what_the_terminal_says_comes_before_what_is_exported() {
        let (drawn, printed, _) = watch(watched_on(120, 30).env("LINES", "40").env("COLUMNS", "70"));
        let frame = last_frame(&drawn);
        assert_eq!((frame.len(), frame[29].chars().count()), (30, 119));
        // What is printed has the width that is asked for, as elsewhere.
        assert!(!printed.contains('⠀') && printed.ends_with(LAST_LINE));
    }

    #[test]
    fn a_small_terminal_has_whole_lines_and_a_whole_table() {
        let (drawn, printed, _) = watch(&mut watched_on(50, 12));
        let frame = last_frame(&drawn);
        let widest = frame.iter().map(|line| line.chars().count()).max();
        assert!(frame.len() == 12 && widest < Some(50), "{frame:#?}");
        assert_eq!(section(&frame, "By network").len(), 5);
        assert!(frame[2].starts_with("Newest strong: 5.0  98km") && frame[2].ends_with("3 h 32 min ago"));
        assert!(frame[11].ends_with("█  1707 of 1707 reports, Ctrl-C ends"), "{}", frame[11]);
        assert!(!drawn.contains('◉') && printed.ends_with(LAST_LINE));
    }

    #[test]
    fn the_lowest_terminal_has_the_newest_and_the_progress() {
        let (drawn, ..) = watch(&mut watched_on(80, 4));
        let frame = last_frame(&drawn);
        assert!(frame.len() == 4 && frame[2].starts_with("Newest strong: 5.0"), "{frame:#?}");
        assert!(frame[3].contains("1707 of 1707"), "{}", frame[3]);
    }

    /// The replay takes four seconds here.
    #[test]
    fn a_terminal_that_is_resized_is_drawn_anew() {
        let resized = "stty columns 80 rows 40; (sleep 1.5; stty columns 100 rows 20 </dev/tty) &";
        let (drawn, ..) = watch(&mut watched_after(resized, "--speed 150000"));
        let first: Vec<_> = drawn.split("\x1b[H").nth(1).unwrap_or_default().split("\r\x1b[B").collect();
        let last = last_frame(&drawn);
        assert_eq!([first.len(), last.len()], [40, 20]);
        assert_eq!(last[19].chars().count(), 99);
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
