//! Commands from outside between two moments of a world.

use downdraft_sim::world::{Observer, Untimely, World};
use downdraft_types::{AccountId, EventId, Seq, Time};
use downdraft_venue::{Capacity, Command, Event, Origin, Stamp, Venue};

#[derive(Default)]
struct Log(Vec<(Time, Seq, Command)>);

impl Observer for Log {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        assert_eq!(stamp.origin, Origin::Outside);
        self.0.push((stamp.time, stamp.seq, command.clone()));
    }

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        assert!(matches!(event, Event::AccountOpened { .. }), "{event:?}");
    }

    fn done(&mut self, _: &Venue) {}
}

fn open(account: u32) -> Command {
    Command::OpenAccount { account: AccountId(account) }
}

#[test]
fn an_intervention_comes_before_what_is_due_at_its_moment() {
    let capacity = Capacity {
        accounts: 8,
        positions: 1,
        positions_per_account: 1,
        instruments: 1,
        currencies: 1,
        client_orders: 1,
    };
    let mut world = World::new(capacity, 1, Time(10));
    let mut log = Log::default();
    world.schedule(Time(2), open(1)).unwrap();
    world.schedule(Time(5), open(2)).unwrap();
    let early = world.intervene(Time(3), &open(3), &mut log);
    assert_eq!(early, Err(Untimely { found: Time(3), now: Time(0), next: Some(Time(2)) }));
    assert!(world.step(&mut log).unwrap());
    let late = world.intervene(Time(1), &open(3), &mut log);
    assert_eq!(late, Err(Untimely { found: Time(1), now: Time(2), next: Some(Time(5)) }));
    assert_eq!(
        late.unwrap_err().to_string(),
        "time of an intervention: found 0.000000001s, expected 0.000000002s or later, and not after what is due next, at 0.000000005s"
    );
    world.intervene(Time(4), &open(3), &mut log).unwrap();
    world.intervene(Time(5), &open(4), &mut log).unwrap();
    world.run(&mut log).unwrap();
    world.intervene(Time(9), &open(5), &mut log).unwrap();
    let expected = [(2, 1), (4, 3), (5, 4), (5, 2), (9, 5)];
    let expected: Vec<_> = (0..).map(Seq).zip(expected).map(|(seq, (time, n))| (Time(time), seq, open(n))).collect();
    assert_eq!(log.0, expected);
}
