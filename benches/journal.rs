//! The journal: writing a run, and replaying it with every event compared.
//!
//! `cargo bench -p downdraft-benches --bench journal`

use criterion::{Criterion, Throughput};
use downdraft_benches::market::{Run, header, run};
use downdraft_benches::measure::{CpuTime, criterion};
use downdraft_journal::{Reader, Verdict, Writer, replay, survey};
use downdraft_types::MachineId;
use downdraft_venue::Venue;

fn write(run: &Run, out: Vec<u8>) -> Vec<u8> {
    let mut writer = Writer::new(out, &header()).expect("a short header");
    for recorded in &run.recorded {
        writer.begin(&recorded.stamp, &recorded.command);
        for (parent, event) in &recorded.events {
            writer.emit(*parent, event);
        }
        writer.end().expect("memory can be written");
    }
    writer.finish(&[(MachineId(0), run.state_hash)]).expect("memory can be written").0
}

fn verify(bytes: &[u8], run: &Run) {
    let reader = Reader::open(bytes).expect("a journal");
    let replay = replay::<Venue, _>(reader, |_, _| {}).expect("a venue's journal");
    assert_eq!(replay.verdict, Verdict::Equal);
    assert_eq!(replay.commands, run.recorded.len() as u64);
}

fn main() {
    let run = run(100_000);
    let bytes = write(&run, Vec::new());
    let commands = run.recorded.len() as u64;
    let events: usize = run.recorded.iter().map(|r| r.events.len()).sum();
    let each = bytes.len() as f64 / commands as f64;
    println!("run: {commands} commands, {events} events, {} bytes, {each:.0} a command", bytes.len());

    let mut criterion = criterion();
    journal(&mut criterion, &run, &bytes, commands);
    criterion.final_summary();
}

fn journal(criterion: &mut Criterion<CpuTime>, run: &Run, bytes: &[u8], commands: u64) {
    let mut group = criterion.benchmark_group("journal");
    group.throughput(Throughput::Elements(commands));
    group.bench_function("write", |b| {
        let mut room = Vec::with_capacity(bytes.len());
        b.iter(|| {
            room.clear();
            room = write(run, std::mem::take(&mut room));
            room.len()
        });
    });
    group.bench_function("read", |b| {
        b.iter(|| survey(&mut Reader::open(bytes).expect("a journal")).expect("memory can be read"));
    });
    group.bench_function("replay, verified", |b| b.iter(|| verify(bytes, run)));
    group.finish();
}
