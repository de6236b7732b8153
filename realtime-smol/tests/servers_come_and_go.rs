//! One hub outlives many servers. In a process of its own, since it counts that process's open files.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Room, patient, serve, until};
use realtime_smol::Hub;

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn a_server_leaves_nothing_behind() {
    let hub = Hub::new();
    let mut settled = 0;
    for round in 0..20 {
        let (room, happenings) = Room::new();
        let serving = serve(patient().hub(&hub), room);
        let mut clients = [serving.open(), serving.open(), serving.open()];
        for client in &mut clients {
            happenings.opened();
            client.end_writing();
        }
        for client in &mut clients {
            client.assert_ended();
            happenings.closed();
        }
        drop(clients);
        let stopper = serving.stopper.clone();
        stopper.stop();
        serving.assert_ends();
        assert_eq!((hub.client_count(), hub.channel_count()), (0, 0));
        drop(stopper);
        if round == 0 {
            settled = open_files();
        } else {
            until("its files are closed", || open_files() <= settled);
        }
    }
}
