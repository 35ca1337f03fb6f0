//! Whatever passes the guard does not panic the engine's own reader, and means the same to it: the
//! same files at the same paths, the same pieces. Two readers that disagree are a way around the
//! guard.
#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use librqbit_buffers::ByteBuf;
use librqbit_core::torrent_metainfo::TorrentMetaV1Info;
use seedbox_fuzz::{folder_named, validate};
use seedbox_seeder::metainfo::Metainfo;

fuzz_target!(|input: &[u8]| {
    for info in [input, &folder_named(input)] {
        if let Ok(metainfo) = validate(info) {
            compare(info, &metainfo);
        }
    }
});

fn compare(info: &[u8], metainfo: &Metainfo) {
    // The engine may refuse more, such as a checksum of the wrong kind.
    let Ok(theirs) = librqbit_bencode::from_bytes::<TorrentMetaV1Info<ByteBuf<'_>>>(info) else {
        return;
    };
    let hashes = theirs.pieces.as_ref().to_vec();
    let Ok(theirs) = theirs.validate() else {
        panic!("the engine refuses what the guard accepts");
    };
    assert_eq!(hashes, metainfo.piece_hashes().as_flattened());
    let lengths = theirs.lengths();
    assert_eq!(lengths.total_length(), metainfo.total());
    assert_eq!(lengths.default_piece_length(), metainfo.piece_length());
    assert_eq!(
        lengths.total_pieces() as usize,
        metainfo.piece_hashes().len()
    );
    let files: Vec<_> = theirs.iter_file_details().collect();
    assert_eq!(files.len(), metainfo.files().len());
    for (their, our) in files.iter().zip(metainfo.files()) {
        assert_eq!((their.len, their.attrs().padding), (our.len, our.padding));
        assert_eq!(
            their.filename.to_pathbuf(),
            our.path.iter().collect::<PathBuf>()
        );
    }
}
