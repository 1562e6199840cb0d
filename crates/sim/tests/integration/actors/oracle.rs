use super::background::crowd;
use super::shock::sale;
use super::{Ear, PERP, add, ms, world};
use downdraft_sim::actors::{Background, BackgroundConfig, OracleActor, OracleConfig, Shock};
use downdraft_sim::index_path::{OracleRules, PathPoint, PathSpec, Shape};
use downdraft_sim::latency::Latency;
use downdraft_types::{EventId, Ppm, Span, Time};
use downdraft_venue::{Command, Event, MarkRule};

/// A price of 10 is 1000 ticks, that is 2000 mark increments.
fn config(coupling: f64, points: &[(u64, f64)]) -> OracleConfig {
    OracleConfig {
        instrument: PERP,
        path: PathSpec::Scripted {
            shape: Shape::Step,
            points: points.iter().map(|(millis, price)| PathPoint(ms(*millis), *price)).collect(),
        },
        marks_per_unit: 200.0,
        mark_scale: 2,
        coupling,
        rules: OracleRules {
            heartbeat: Span::from_secs(3),
            deviation: Ppm(5_000),
            latency: Latency::constant(Span::from_millis(200)),
        },
    }
}

fn reports(ear: &Ear) -> Vec<(Time, i64, Option<EventId>)> {
    let report = |command: &Command| match command {
        Command::ReportIndex { index, .. } => Some(index.0),
        _ => None,
    };
    ear.commands.iter().filter_map(|(stamp, c)| report(c).map(|index| (stamp.time, index, stamp.cause))).collect()
}

#[test]
fn keeps_heartbeat_threshold_and_latency() {
    let mut world = world(1, 10, MarkRule::Exogenous);
    let points = [(0, 10.0), (1_000, 10.04), (2_000, 10.05), (2_500, 10.09), (7_000, 9.0)];
    add(&mut world, "oracle", 0, OracleActor::new(config(0.0, &points)).unwrap());
    let found = reports(&Ear::of(&mut world));
    let expected = [
        (ms(200), 2_000),
        // 0.4% is below the threshold, 0.5% is not.
        (ms(2_200), 2_010),
        // The heartbeat follows the report before; at 2.5 s the price had moved by less than 0.5%.
        (ms(5_200), 2_018),
        (ms(7_200), 1_800),
        // 10 s is the end: a report observed then would arrive after it.
    ];
    assert_eq!(found, expected.map(|(time, index)| (time, index, None)));
}

#[test]
fn a_coupled_index_follows_our_book_and_says_why() {
    let mut world = world(1, 9, MarkRule::Exogenous);
    let still = BackgroundConfig { limit_rate: 0.0, market_rate: 0.0, ..crowd() };
    add(&mut world, "crowd", 0, Background::new(still).unwrap());
    add(&mut world, "oracle", 0, OracleActor::new(config(1.0, &[(0, 10.0)])).unwrap());
    // 500 lots at 999 go at once, and the mid falls from 1000 to 999 ticks: too little to report; with the
    // 700 at 997 a side is empty, and the last mid stays.
    add(&mut world, "shock", 0, Shock::new(sale(1_200, 2)).unwrap());
    let ear = Ear::of(&mut world);
    let found = reports(&ear);
    assert_eq!(found.iter().map(|(_, index, _)| *index).collect::<Vec<_>>(), [2_000, 2_000, 1_998]);

    let mut world = self::world(1, 9, MarkRule::Exogenous);
    let still = BackgroundConfig { limit_rate: 0.0, market_rate: 0.0, ..crowd() };
    add(&mut world, "crowd", 0, Background::new(still).unwrap());
    let mut coupled = config(0.5, &[(0, 10.0)]);
    coupled.rules.deviation = Ppm(400);
    add(&mut world, "oracle", 0, OracleActor::new(coupled).unwrap());
    add(&mut world, "shock", 0, Shock::new(sale(500, 1)).unwrap());
    let ear = Ear::of(&mut world);
    let (time, index, cause) = reports(&ear).into_iter().find(|(_, index, _)| *index != 2_000).unwrap();
    // Half of 2000 and half of 1998.
    assert_eq!((time, index), (ms(5_200), 1_999));
    let cause = cause.expect("the trade");
    assert!(ear.events.iter().any(|(_, id, event)| *id == cause && matches!(event, Event::Trade { .. })));
}

#[test]
fn names_the_wrong_field() {
    assert_eq!(
        OracleActor::new(config(1.5, &[(0, 1.0)])).unwrap_err(),
        "coupling: found 1.5, expected a finite number, from 0 to 1"
    );
    assert_eq!(OracleActor::new(config(0.0, &[])).unwrap_err(), "path.points: found none, expected at least one");
}

#[test]
fn an_index_that_no_mark_holds_ends_the_run() {
    let mut world = world(1, 9, MarkRule::Exogenous);
    add(&mut world, "oracle", 0, OracleActor::new(config(0.0, &[(0, 1e300)])).unwrap());
    assert!(world.run(&mut ()).unwrap_err().to_string().starts_with("oracle: index: found"));
}
