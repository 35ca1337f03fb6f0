//! No text panics the reader of magnet links, and its limits hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbox_fuzz::assert_displayable;
use seedbox_seeder::magnet::{MAX_MAGNET_PEERS, Magnet};

fuzz_target!(|input: &str| {
    let peers = Magnet::peers_of(input);
    assert!(peers.len() <= MAX_MAGNET_PEERS);
    let hash = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a";
    let link = format!("magnet:?xt=urn:btih:{hash}&{input}");
    for text in [input, &link] {
        match Magnet::parse(text) {
            Ok(magnet) => {
                assert!(magnet.peers.len() <= MAX_MAGNET_PEERS);
                assert!(magnet.peers.iter().all(|peer| peer.port() != 0));
                magnet.name.iter().for_each(|name| assert_displayable(name));
            }
            Err(error) => assert!(!error.to_string().contains(char::is_control)),
        }
    }
    if let Ok(magnet) = Magnet::parse(&link) {
        assert_eq!(magnet.info_hash.to_string(), hash);
    }
});
