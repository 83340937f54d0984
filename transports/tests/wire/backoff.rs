//! Full jitter: never above the bound, spread out, and begun anew only when asked.

use std::time::Duration;

use pubsub_transports::Backoff;

const MS: Duration = Duration::from_millis(1);

fn delays(backoff: &mut Backoff, count: usize) -> Vec<Duration> {
    std::iter::repeat_with(|| backoff.next_delay()).take(count).collect()
}

#[test]
fn delay_is_never_above_the_ceiling() {
    for seed in 0..1000 {
        let mut ceiling = Backoff::MIN;
        for delay in delays(&mut Backoff::with_seed(Backoff::MIN, Backoff::MAX, seed), 40) {
            assert!(delay <= ceiling, "seed {seed}: {delay:?} is above {ceiling:?}");
            ceiling = (ceiling * 2).min(Backoff::MAX);
        }
    }
}

#[test]
fn delays_spread_over_the_whole_range() {
    let mut tenths = [0; 10];
    for seed in 0..10_000 {
        let delay = Backoff::with_seed(1000 * MS, Backoff::MAX, seed).next_delay();
        tenths[usize::try_from(delay.as_millis() / 100).unwrap().min(9)] += 1;
    }
    assert!(tenths.iter().all(|count| (800..1200).contains(count)), "{tenths:?}");
}

#[test]
fn only_stable_begins_anew() {
    let mut backoff = Backoff::with_seed(MS, 1000 * MS, 7);
    let late = |backoff: &mut Backoff| delays(backoff, 50).into_iter().max().unwrap();
    assert!(late(&mut backoff) > 500 * MS);
    assert!(late(&mut backoff.clone()) > 500 * MS, "a clone goes on where it was");
    assert!(late(&mut backoff) > 500 * MS);
    backoff.stable();
    assert!(backoff.next_delay() <= MS);
}

#[test]
fn a_seed_gives_the_same_delays() {
    let of = |seed| delays(&mut Backoff::with_seed(MS, 100 * MS, seed), 20);
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn two_without_a_seed_differ() {
    assert_ne!(delays(&mut Backoff::default(), 8), delays(&mut Backoff::default(), 8));
}

#[test]
fn bounds_may_be_anything() {
    assert_eq!(delays(&mut Backoff::new(Duration::ZERO, Duration::ZERO), 3), [Duration::ZERO; 3]);
    assert!(delays(&mut Backoff::with_seed(1000 * MS, MS, 1), 9).into_iter().all(|delay| delay <= MS));
    let longest = delays(&mut Backoff::with_seed(Duration::MAX, Duration::MAX, 1), 9);
    assert!(longest.into_iter().all(|delay| delay <= Duration::from_nanos(u64::MAX)));
    assert_eq!(format!("{:?}", Backoff::new(MS, 2 * MS)), "Backoff { min: 1ms, max: 2ms, ceiling: 1ms, .. }");
}
