//! A replica has the slots of the first node, which was killed; or which was cut off from the others and not from us: then it
//! answers as ever, and whoever follows there would hear nothing.

use super::*;

const LOSSES: [fn(&Cluster); 2] = [|cluster| cluster.nodes[0].kill(), Cluster::cut_off_the_first];

fn cluster(coverage: &str) -> Cluster {
    Cluster::with(1, &["--cluster-require-full-coverage", coverage])
}

#[tokio::test]
async fn channels_are_followed_at_another_node_after_a_gap() {
    // With the first, a node that is cut off says by itself that it does not serve.
    for (coverage, lose) in [("yes", LOSSES[0]), ("yes", LOSSES[1]), ("no", LOSSES[1])] {
        let cluster = cluster(coverage);
        let reader = connected(Redis::builder(), cluster.urls()).await;
        reader.subscribe(&["a:1", "b"]).await;
        let numbers = Numbers::publish(connected(Redis::builder(), cluster.urls()[1..].to_vec()).await);
        reader.heard.events(100).await;
        lose(&cluster);
        reader.heard.gaps(1).await;
        // The same one publishes again too.
        let accepted = end(&reader, numbers, &reader).await;
        assert_eq!(crate::faults::check(&reader.heard, &accepted), 1);
    }
}

#[tokio::test]
async fn sharded_channels_are_followed_at_who_has_the_slot_after_a_gap_of_those_and_no_others() {
    for lose in LOSSES {
        let cluster = cluster("no");
        let prefix = (0..).map(|number| format!("{number}:")).find(|prefix| {
            let at = |id: &str| cluster.master_of(&format!("{prefix}{id}"));
            at("a:1") == 0 && at("b:1") != 0
        });
        let prefix = prefix.expect("some number");
        let builder = || Redis::builder().sharded().prefix(prefix.clone());
        let reader = connected(builder(), cluster.urls()).await;
        reader.subscribe(&["a:1", "b:1"]).await;
        let numbers = Numbers::publish(connected(builder(), cluster.urls()).await);
        reader.heard.events(100).await;
        lose(&cluster);
        reader.heard.gaps(1).await;
        let last = connected(builder(), cluster.urls()[1..].to_vec()).await;
        let accepted = end(&reader, numbers, &last).await;
        assert_eq!(shards::check(&reader.heard, &accepted), [GapReason::Moved]);
        assert_eq!(shards::gaps_of_others(&reader.heard), 0);
        crate::harness::until("all is well again", async || reader.heard.is_connected()).await;
    }
}

#[tokio::test]
async fn streams_go_on_at_who_has_the_slot_after_a_gap() {
    for lose in LOSSES {
        let cluster = cluster("no");
        let prefix = (0..).map(|number| format!("{{{number}}}:"));
        let prefix = prefix.into_iter().find(|prefix| cluster.master_of(prefix) == 0).expect("some number");
        let builder = || Redis::durable(Retention::default()).prefix(prefix.clone());
        let reader = connected(builder(), cluster.urls()).await;
        reader.subscribe(&["a"]).await;
        let numbers = Numbers::publish(connected(builder(), cluster.urls()).await);
        reader.heard.events(100).await;
        lose(&cluster);
        reader.heard.gaps(1).await;
        let last = connected(builder(), cluster.urls()[1..].to_vec()).await;
        let accepted = end(&reader, numbers, &last).await;
        assert_eq!(check(&reader.heard, &accepted), 1);
    }
}
