//! `workers`: threads and processes find what one thread finds, and tell how far they are.

use crate::{example, run, stderr, stdout};

#[test]
fn threads_and_processes_find_the_same_as_one_thread() {
    for workers in ["1", "3"] {
        let output = run(example("workers").arg(workers));
        let (stdout, stderr) = (stdout(&output), stderr(&output));
        assert!(output.status.success(), "{stdout}{stderr}");
        assert_eq!(stderr, "");
        let lines: Vec<&str> = stdout.lines().collect();
        assert_eq!(lines.len(), 1 + 2 * (4 + 1) + 1, "{stdout}");
        assert!(lines[0].starts_with("alone: 1707 quakes of 12 networks in "), "{stdout}");
        for (kind, place) in [("threads", 1), ("processes", 6)] {
            let progress: Vec<String> =
                (1..=4).map(|quarter| format!("{kind}: {} % of 1707 quakes", 25 * quarter)).collect();
            assert_eq!(lines[place..place + 4], progress, "{stdout}");
            assert!(
                lines[place + 4].starts_with(&format!("{kind}: 43 parts by {workers} of them in ")),
                "{stdout}"
            );
        }
        assert!(lines[11].starts_with("all found the same: half of the quakes have one within "), "{stdout}");
    }
}

#[test]
fn a_process_that_no_host_started_says_so() {
    let output = run(example("workers").arg("work"));
    assert!(!output.status.success());
    assert!(stderr(&output).contains("not started by `WorkerHost::command`"), "{}", stderr(&output));
}
