//! The committed description of the API is the one that the code has.

use std::path::Path;

#[test]
fn the_committed_description_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web-admin/openapi.json");
    let current = crate::openapi_json();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "web-admin/openapi.json is out of date. Regenerate it: UPDATE_OPENAPI=1 cargo test -p seedbox-http openapi"
    );
}
