//! `hub_and_spokes`: spokes whose connections are cut recover all that they missed, and are told when the hub is another.

use crate::{example, run, stderr, stdout};

#[test]
fn the_spokes_have_all_quakes_although_they_were_cut() {
    let output = run(&mut example("hub_and_spokes"));
    let (stdout, stderr) = (stdout(&output), stderr(&output));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert_eq!(stderr, "");
    let count = |line: &str| stdout.lines().filter(|other| other.starts_with(line)).count();
    for (line, times) in [
        ("hub: cutting 3 connections", 1),
        ("hub: another one takes its place", 1),
        ("all: connected again, after ", 2),
        ("all: 853 quakes, which are all", 1),
        ("all: 854 quakes, which are all", 1),
        ("all: an unknown number of events may be lost: the history began anew", 1),
        ("california: connected again, after ", 2),
        ("california: 397 quakes, which are all", 1),
        ("california: 359 quakes, which are all", 1),
        ("california: an unknown number of events may be lost: the history began anew", 2),
        ("strong: 20 quakes, which are all", 1),
        ("strong: 19 quakes, which are all", 1),
    ] {
        assert_eq!(count(line), times, "`{line}` in\n{stdout}");
    }
}
