//! No bytes panic the readers of the relay's frames, and what they take has one spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbox_relay_proto::{
    Ticket,
    frame::{Handshake, Init},
    record::records,
    sealed::{Direct, Group, Key, Sealed},
};

fuzz_target!(|input: &[u8]| {
    if let Ok(init) = Init::parse(input) {
        assert_eq!(init.write(), input);
    }
    if let Ok(answer) = Handshake::parse(input) {
        let written = answer.write(u8::from(input.len() < 240) + u8::from(input.len() < 217));
        assert_eq!(Handshake::parse(&written), Ok(answer));
    }
    let mut written = Vec::new();
    for record in records(input) {
        let Ok(record) = record else { break };
        record.write(&mut written);
    }
    assert!(input.starts_with(&written));
    if let Ok(direct) = Direct::parse(input) {
        assert_eq!(direct.write(), input);
    }
    if let Ok(group) = Group::parse(input) {
        assert_eq!(group.write(1), input);
    }
    if let Ok(ticket) = Ticket::parse(input) {
        assert_eq!(ticket.write(), input);
    }
    let _read = (Sealed::parse(input), Key::number(input));
});
