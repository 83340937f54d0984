//! The search itself: every quake is compared with every other of its network.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;

use crate::events::Neighbours;

/// How many neighbours are looked for.
const NEAREST: usize = 3;

const EARTH_RADIUS_KM: f64 = 6_371.0;

#[derive(Deserialize)]
pub(crate) struct Quake {
    id: String,
    net: String,
    lat: f64,
    lon: f64,
    depth_km: f64,
}

/// The quakes of each network, in the order of their times.
pub(crate) type Networks = BTreeMap<String, Vec<Quake>>;

pub(crate) fn networks() -> Networks {
    let mut networks = Networks::new();
    let lines = include_str!("../data/earthquakes.jsonl").lines();
    for quake in lines.filter_map(|line| serde_json::from_str::<Quake>(line).ok()) {
        networks.entry(quake.net.clone()).or_default().push(quake);
    }
    networks
}

/// The nearest neighbours of some of them.
pub(crate) fn search(quakes: &[Quake], part: Range<usize>) -> impl Iterator<Item = Neighbours> {
    part.map(|place| {
        let quake = &quakes[place];
        let others = quakes.iter().enumerate().filter(|(other, _)| *other != place);
        let mut distances: Vec<(f64, usize)> =
            others.map(|(other, it)| (distance_km(quake, it), other)).collect();
        // Of two that are as near, the earlier.
        distances.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let nearest = distances.iter().take(NEAREST).map(|(km, other)| (quakes[*other].id.clone(), *km));
        Neighbours { place, quake: quake.id.clone(), nearest: nearest.collect() }
    })
}

/// Through the ground: the great circle by the haversine formula, and the difference of depths.
fn distance_km(a: &Quake, b: &Quake) -> f64 {
    let (a_lat, b_lat) = (a.lat.to_radians(), b.lat.to_radians());
    let half_lat = ((b_lat - a_lat) / 2.0).sin();
    let half_lon = ((b.lon - a.lon).to_radians() / 2.0).sin();
    let chord = half_lat * half_lat + a_lat.cos() * b_lat.cos() * half_lon * half_lon;
    let surface = 2.0 * EARTH_RADIUS_KM * chord.sqrt().min(1.0).asin();
    surface.hypot(a.depth_km - b.depth_km)
}
