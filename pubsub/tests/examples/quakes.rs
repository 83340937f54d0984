//! `quakes`: what it shows, what it says of bad input, and its last line.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::{example, run, stderr, stdout};

const GOOD: &str = r#"{"net":"us","time":1517363399650,"mag":5.1,"place":"Lima","lon":-77,"lat":-12,"depth_km":30,"felt":null,"tsunami":0,"kind":"earthquake"}"#;

/// The example as in a pipe, at 80 columns.
pub(crate) fn quakes() -> Command {
    let mut command = example("quakes");
    command.env_remove("COLUMNS").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Runs the example on `input`, given as its standard input.
fn quakes_of(input: impl AsRef<[u8]>) -> Output {
    let mut command = quakes();
    command.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the example starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_ref()).expect("the example reads to the end");
    drop(stdin);
    child.wait_with_output().expect("the example ends")
}

/// The end: what it printed last, and its exit status.
pub(crate) fn end(output: &Output) -> (&str, Option<i32>) {
    assert!(stdout(output).is_empty() || output.stdout.ends_with(b"\n"), "the last line is a whole one");
    (stdout(output).lines().last().unwrap_or_default(), output.status.code())
}

/// `GOOD` with one field given another value, as JSON.
fn with(field: &str, value: &str) -> String {
    let mut record: serde_json::Value = serde_json::from_str(GOOD).expect("it is JSON");
    record[field] = serde_json::from_str(value).expect("it is JSON");
    record.to_string()
}

/// Asserts that a line is skipped for `reason`, and those around it are not.
#[track_caller]
fn assert_skipped(line: impl AsRef<[u8]>, reason: &str) {
    let input = [GOOD.as_bytes(), line.as_ref(), GOOD.as_bytes()].join(&b'\n');
    let output = quakes_of(input);
    let expected = format!("quakes: line 2: {reason}\nquakes: lines skipped: 1\n");
    assert_eq!(stderr(&output), expected);
    assert_eq!(end(&output), ("published 2 delivered 2 missed 0", Some(1)));
}

#[test]
fn the_week_is_delivered_without_loss() {
    let output = run(&mut quakes());
    assert_eq!(end(&output), ("published 1707 delivered 1707 missed 0", Some(0)));
    assert_eq!(stderr(&output), "");
}

#[test]
fn what_it_shows_is_what_the_file_says() {
    let output = run(&mut quakes());
    let shown = |line: &str| {
        let found = stdout(&output).lines().any(|shown| shown.trim_start().starts_with(line));
        assert!(found, "{line:?} is not shown");
    };
    shown("Earthquakes, 2018-01-31 01:49 to 2018-02-07 01:26 UTC");
    shown("1707 reports: earthquake 1679, explosion 15, quarry blast 13");
    shown("Southern California   ci     386       3.0");
    shown("Tue  6 Feb     213   6.4       11  22km NNE of Hualian, Taiwan");
    shown("Wed  7 Feb      14   3.8      100  so far: 11km WSW of Willow, Alaska");
    shown("Felt: 2887 people reported 121 quakes");
    shown("2018-01-31 11:49   5.6  34km SE of Lae, Papua New Guinea");
    shown("California: 756 reports");
    shown("quake.reported 1707, quake.felt 121, tsunami.flagged 4, day.ended 7");
    shown("ledger     everything                          1839       0");
}

/// How many `newest` lost depends on the scheduler; that nothing is lost in silence does not.
#[test]
fn the_subscriber_that_loses_events_counts_them() {
    let output = run(&mut quakes());
    let row = stdout(&output).lines().find(|line| line.trim_start().starts_with("newest"));
    let counts = row.expect("a row for it").split_whitespace().rev().take(2);
    let counts: Vec<u64> = counts.map(|count| count.parse().expect("a number")).collect();
    assert_eq!(counts.iter().sum::<u64>(), 1707);
    assert!(counts[0] > 0, "the replay is not slowed down for it");
}

#[test]
fn a_pipe_gets_text_only_and_80_columns() {
    let output = run(quakes().env("TERM", "xterm-256color"));
    assert!(!stdout(&output).contains('\x1b') && stderr(&output).is_empty());
    let widest = stdout(&output).lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?}");
}

#[test]
fn a_narrow_terminal_has_no_map_and_the_same_figures() {
    let output = run(quakes().env("COLUMNS", "60"));
    assert!(!stdout(&output).contains('◉'));
    assert_eq!(end(&output), ("published 1707 delivered 1707 missed 0", Some(0)));
}

#[test]
fn standard_input_is_read_and_needs_no_last_line_end() {
    let output = quakes_of(format!("{GOOD}\r\n\n{GOOD}"));
    assert_eq!(end(&output), ("published 2 delivered 2 missed 0", Some(0)));
    assert_eq!(stderr(&output), "");
}

#[test]
fn nothing_is_a_week_without_earthquakes() {
    let output = quakes_of("");
    assert_eq!(end(&output), ("published 0 delivered 0 missed 0", Some(0)));
    assert!(stdout(&output).starts_with("nothing was reported\n"));
}

#[test]
fn a_file_is_read() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("one.jsonl");
    fs::write(&file, GOOD).expect("the directory is there to be written to");
    let output = run(quakes().arg(&file));
    assert_eq!(end(&output), ("published 1 delivered 1 missed 0", Some(0)));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = run(quakes().arg("no/such.jsonl"));
    assert!(stderr(&output).starts_with("quakes: cannot read `no/such.jsonl`: "), "{}", stderr(&output));
    assert_eq!(end(&output), ("", Some(1)));
}

#[test]
fn lines_that_are_no_records_are_told_and_skipped() {
    assert_skipped("quake!", "not JSON: expected value, column 1");
    assert_skipped(&GOOD[..40], "not JSON: EOF while parsing an object, column 40");
    assert_skipped(b"{\"place\":\"\xff\"}", "not JSON: invalid unicode code point, column 11");
    assert_skipped("[1, 2]", "not a record: a JSON object is needed");
    assert_skipped("{}", "`net` is missing");
    assert_skipped(with("mag", "null"), "`mag` is null, not a number");
    assert_skipped(with("mag", "99"), "`mag` is 99, outside -5 to 12");
    assert_skipped(with("lon", "-180.01"), "`lon` is -180.01, outside -180 to 180");
    assert_skipped(with("lat", "\"12 S\""), "`lat` is \"12 S\", not a number");
    assert_skipped(with("time", "1.5"), "`time` is 1.5, not whole milliseconds since 1970");
    assert_skipped(with("time", "9e18"), "`time` is 9e+18, not whole milliseconds since 1970");
    assert_skipped(with("felt", "4294967296"), "`felt` is 4294967296, outside 0 to 4294967295");
    assert_skipped(with("mag", "1e300"), "`mag` is 1e+300, outside -5 to 12");
    assert_skipped(with("felt", "-1"), "`felt` is -1, not a count or null");
    assert_skipped(with("tsunami", "[]"), "`tsunami` is a list, not 0 or 1");
    let network = "not the code of a network, 1 to 8 letters or digits";
    assert_skipped(with("net", "\"\""), &format!("`net` is \"\", {network}"));
    assert_skipped(with("net", "\"a:b\""), &format!("`net` is \"a:b\", {network}"));
    // What could move the cursor of a terminal is neither a place nor part of a message.
    let clear = with("place", r#""\u001b[2J""#);
    assert_skipped(clear, r#"`place` is "\u{1b}[2J", not a text without control characters"#);
}

#[test]
fn records_out_of_order_are_delivered_and_no_day_ends_twice() {
    let day = |day: i64| with("time", &(1_517_363_399_650 + day * 86_400_000).to_string());
    let output = quakes_of([day(0), day(2), day(1), day(2), day(3)].join("\n"));
    assert_eq!(end(&output), ("published 5 delivered 5 missed 0", Some(0)));
    assert!(stdout(&output).contains("quake.reported 5, quake.felt 0, tsunami.flagged 0, day.ended 2"));
}

#[test]
fn the_ends_of_what_is_valid_are_valid() {
    let fields = [
        ("lon", "180"),
        ("lon", "-180"),
        ("lat", "90"),
        ("lat", "-90"),
        ("mag", "-0.8"),
        ("depth_km", "-2.79"),
    ];
    let times = [("time", "-62167219200000"), ("time", "253402300799999"), ("felt", "4294967295")];
    let lines: Vec<String> =
        fields.into_iter().chain(times).map(|(field, value)| with(field, value)).collect();
    let output = quakes_of(lines.join("\n"));
    assert_eq!(stderr(&output), "");
    assert_eq!(end(&output), ("published 9 delivered 9 missed 0", Some(0)));
}

#[test]
fn wrong_options_are_told_and_change_nothing() {
    let told = |args: &[&str], what: &str| {
        let output = run(quakes().args(args));
        assert_eq!(stderr(&output), format!("quakes: {what}; `--help` lists what there is\n"));
        assert_eq!(end(&output), ("", Some(2)));
    };
    told(&["--sped", "2"], "unknown option \"--sped\"");
    told(&["--speed"], "`--speed` needs a number: `--speed 3600` makes an hour a second");
    told(&["--speed", "fast"], "`--speed` needs a number above 0, and \"fast\" is none");
    told(&["--speed=0"], "`--speed` needs a number above 0, and \"0\" is none");
    told(&["--speed", "inf"], "`--speed` needs a number above 0, and \"inf\" is none");
    told(&["a", "b"], "one file at a time: what is \"b\"?");
}

#[test]
fn help_is_printed_where_a_pager_reads_it() {
    let output = run(quakes().arg("--help"));
    assert!(stdout(&output).contains("usage: quakes [FILE | -] [--watch] [--speed N]"));
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
}

/// The week at this speed is over in a twentieth of a second.
#[test]
fn the_pace_of_the_replay_changes_nothing_of_what_is_delivered() {
    let output = run(quakes().args(["--speed", "12000000"]));
    assert_eq!(end(&output), ("published 1707 delivered 1707 missed 0", Some(0)));
}

/// As in `quakes | head -1`.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut command = quakes();
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the example starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the example ends");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
}

#[test]
fn a_byte_order_mark_before_the_first_line_is_no_part_of_it() {
    let output = quakes_of([b"\xEF\xBB\xBF", GOOD.as_bytes()].concat());
    assert_eq!(end(&output), ("published 1 delivered 1 missed 0", Some(0)));
}

#[test]
fn a_line_is_not_read_beyond_a_mebibyte() {
    let longest = 1 << 20;
    let fits = with("place", &format!("{:?}", "x".repeat(longest - 400)));
    assert_eq!(end(&quakes_of(fits)), ("published 1 delivered 1 missed 0", Some(0)));
    assert_skipped("x".repeat(longest + 1), "longer than 1048576 bytes");
    assert_skipped("x".repeat(3 * longest), "longer than 1048576 bytes");
}

#[test]
fn every_line_fits_at_60_columns_and_at_80() {
    for columns in [60, 80] {
        let output = run(quakes().env("COLUMNS", columns.to_string()));
        for line in stdout(&output).lines() {
            assert!(line.chars().count() <= columns, "{columns}: {line}");
        }
    }
}
