//! `two_processes`: quakes go from one to the other, and both heal when the server is killed between them.

use crate::{example, run, stderr, stdout};

#[test]
fn the_follower_has_all_quakes_or_knows_of_the_gap() {
    let output = run(&mut example("two_processes"));
    let (stdout, stderr) = (stdout(&output), stderr(&output));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert_eq!(stderr, "");
    for line in [
        "publisher: killing the server",
        "publisher: connected again",
        "follower: connected again",
        "follower: an unknown number of events may be lost: the connection was lost",
        "follower: magnitude 6.1, 35km S of Jarm, Afghanistan",
    ] {
        assert_eq!(stdout.lines().filter(|other| *other == line).count(), 1, "`{line}` in\n{stdout}");
    }
    let last = stdout.lines().last().unwrap_or_default();
    let seen = last.strip_prefix("follower: ").and_then(|line| line.strip_suffix(" quakes, gaps: 1"));
    let seen: usize = seen.and_then(|seen| seen.parse().ok()).unwrap_or_else(|| panic!("{stdout}"));
    assert!((853..=1707).contains(&seen), "half of them came before the server was killed: {seen}");
}
