//! How processes end, and what they leave.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pubsub::ProcessFailure;
use pubsub_tests::processes::App;

use crate::harness::{at_once, build, close, failure, host, program, send, within_deadline};

#[test]
fn what_a_process_leaves_behind_does_not_keep_it() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let soon = Duration::from_millis(100);
        let worker =
            build(&host, "orphan").exit_timeout(soon).restart_on_failure(1, at_once()).start().unwrap();
        let mut orphans = Vec::new();
        for _ in 0..2 {
            orphans.push(done.next().await.unwrap().payload.to_string());
            host.bus().publish(App::JOB, "a", 13).await.unwrap();
        }
        let told = failure(&worker).await;
        assert!(matches!(told, ProcessFailure::Exited(status) if status.code() == Some(9)), "{told}");
        close(&host).await;
        orphans.iter().for_each(|orphan| send("-KILL", orphan));
    });
}

#[test]
fn one_that_closes_its_bus_may_take_its_time_to_end() {
    within_deadline(async {
        let host = host();
        let mut command = program("slow-exit");
        command.arg("3000");
        let sooner = Duration::from_secs(2);
        let worker =
            host.command("slow", command).silence_timeout(sooner).exit_timeout(Duration::from_secs(60));
        let worker = worker.start().unwrap();
        worker.follows(App::JOB).await.unwrap();
        close(&host).await;
        worker.finished().await.unwrap();
    });
}

#[test]
fn one_that_closes_its_bus_and_does_not_end_is_killed() {
    within_deadline(async {
        let host = host();
        let mut command = program("slow-exit");
        command.arg("3600000");
        let soon = Duration::from_millis(100);
        let worker = host.command("never", command).exit_timeout(soon).start().unwrap();
        worker.follows(App::JOB).await.unwrap();
        let begin = Instant::now();
        let _ = host.close().until(std::future::pending::<()>()).await;
        let told = failure(&worker).await;
        assert_eq!(format!("{told:?}"), format!("NotExited {{ after: {soon:?} }}"));
        assert!(begin.elapsed() < Duration::from_secs(20), "it was not waited for as one that is silent");
    });
}

/// In a process where no thread can be made: its stacks are to be larger than memory.
#[test]
fn a_host_without_threads_is_told_so() {
    let mut host = program("host-without-threads");
    host.env("RUST_MIN_STACK", (1_u64 << 60).to_string());
    let output = host.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(told, "the worker `worker` could not be started\n0 children\n", "{errors}");
}

/// The status of the whole family: nobody is a zombie.
#[test]
fn a_child_is_reaped_also_when_it_is_killed_by_others() {
    within_deadline(async {
        let host = host();
        let worker = build(&host, "reaped").start().unwrap();
        let family = crate::harness::of_task("reaped");
        send("-KILL", &family[0].0);
        let told = failure(&worker).await;
        assert!(matches!(told, ProcessFailure::Exited(status) if status.code().is_none()), "{told}");
        assert!(
            !Command::new("kill")
                .args(["-0", &family[0].0])
                .stderr(Stdio::null())
                .status()
                .unwrap()
                .success()
        );
        close(&host).await;
    });
}
