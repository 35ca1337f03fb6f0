//! Mistakes in plain words, never a secret among them; applied once, as a whole or not at all.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use super::*;

const WALLET: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
const WHOLE: &str = r#"
    # My box
    hostname = "Attic"
    claim_code = "7Q2M-K9XD-4TWB-0HZ1"
    wallets = ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"]
    quota = "50GB"
    led_pin = 17
    button_pin = 27
    [wifi]
    ssid = "Zum Löwen"
    password = " open sesame\\"
    country = "de"
    [settings]
    dht = false
    lan = ["10.0.0.0/8", "192.168.0.0/16"]
    max_live = 50
    peers = []
    relay_urls = ["wss://box.example/relay"]
"#;

fn mistake(text: &str) -> String {
    match Preset::parse(text) {
        Ok(_) => panic!("taken: {text}"),
        Err(e) => format!("{e:#}"),
    }
}

#[test]
fn reads_all_of_it() {
    let preset = Preset::parse(WHOLE).unwrap();
    assert_eq!(preset.hostname.as_deref(), Some("attic"));
    assert_eq!(preset.wallets, [WALLET.parse().unwrap()]);
    assert_eq!(preset.quota.unwrap().1, 50_000_000_000);
    let wifi = preset.wifi.unwrap();
    assert_eq!(wifi.password.as_deref(), Some(r" open sesame\"));
    assert_eq!(wifi.country.as_deref(), Some("DE"));
    let one = Preset::parse(&format!("wallet = \"{WALLET}\"")).unwrap();
    assert_eq!(one.wallets.len(), 1);
    assert!(
        Preset::parse("# nothing\nhostname = \"\"")
            .unwrap()
            .is_empty()
    );
}

#[test]
fn every_mistake_has_its_words() {
    for (text, words) in [
        ("hostname = \"a\nb = 1", "line 1"),
        ("a = 1\na = 2", "line 2"),
        ("hostnme = \"a\"", "`hostnme` is unknown"),
        ("hostname = \"two words\"", "`hostname`"),
        ("hostname = 7", "`hostname` has to be a text in quotes"),
        ("claim_code = \"short\"", "`claim_code`"),
        ("wallets = [\"0x12\"]", "number 1 is not"),
        (
            "wallet = \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD\"",
            "number 1 is not",
        ),
        ("quota = \"lots\"", "`quota`"),
        ("led_pin = \"17\"", "`led_pin` has to be a number"),
        ("button_pin = 300", "no GPIO 300"),
        ("button_pin = 28", "no GPIO 28"),
        ("wifi = \"home\"", "[wifi]"),
        ("[wifi]\npassword = \"long enough\"", "needs `ssid`"),
        ("[wifi]\nssid = \"a\"\npassword = \"short\"", "8 to 63"),
        ("[wifi]\nssid = \"a\"\ncountry = \"Germany\"", "two letters"),
        ("[wifi]\nssid = \"a\"\npsk = \"x\"", "`psk` is unknown"),
        ("settings = 1", "[settings]"),
        ("[settings]\nvolumes = [\"/\"]", "`volumes` cannot be set"),
        (
            "[settings]\nmax_life = 50",
            "`max_life` in [settings] is unknown",
        ),
        ("[settings]\nmax_live = \"50\"", "of another kind"),
        ("[settings]\npeers = [\"a,b\"]", "commas"),
        ("[settings]\nlog = \"\\\"\"", "quotes"),
    ] {
        let told = mistake(text);
        assert!(told.contains(words), "{text}: {told}");
    }
}

#[test]
fn no_mistake_repeats_a_secret() {
    let secret = "SECRETSECRETSECRETSECRET";
    for text in [
        format!("claim_code = \"{secret}\""),
        format!("claim_code = \"{secret}\n"),
        format!("claim_code = [\"{secret}\"]"),
        format!("{secret} = 1"),
        format!("wallet = \"{secret}\""),
        format!("wifi = \"{secret}\""),
        format!("[wifi]\nssid = \"a\"\npassword = \"{secret}é\""),
        format!("[wifi]\nssid = \"a\"\npassword = {secret}"),
        format!("[wifi]\nssid = \"a\"\n{secret} = 1"),
        format!("[settings]\nrpc = \"https://a/{secret}\""),
        format!("[settings]\nrpc = [\"https://a/{secret},\"]"),
        format!("[settings]\n{secret}{secret} = 1"),
    ] {
        let told = mistake(&text);
        assert!(!told.contains("SECRET"), "{text}: {told}");
    }
}

/// The boot partition and the state folder of a box that starts the first time.
fn card(text: &str) -> tempfile::TempDir {
    let card = tempfile::tempdir().unwrap();
    fs::create_dir(card.path().join("boot")).unwrap();
    fs::create_dir(card.path().join("state")).unwrap();
    fs::write(card.path().join("boot/seedbox.toml"), text).unwrap();
    card
}

fn apply_on(card: &Path) -> anyhow::Result<()> {
    apply(&card.join("boot"), &card.join("state"))
}

#[test]
fn is_applied_once_and_the_secrets_are_gone() {
    let card = card(WHOLE);
    let at = |name: &str| card.path().join(name);
    let read = |name: &str| fs::read_to_string(at(name)).unwrap_or_default();
    fs::write(at("boot/seedbox-error.txt"), "an older mistake").unwrap();
    apply_on(card.path()).unwrap();

    assert_eq!(read("state/hostname"), "attic\n");
    assert_eq!(read("state/wifi/country"), "DE\n");
    let pins = "SEEDBOX_LED_PIN=17\nSEEDBOX_BUTTON_PIN=27\n";
    assert_eq!(read("state/pins"), pins);
    let further = "SEEDBOX_DHT=\"false\"\nSEEDBOX_LAN=\"10.0.0.0/8,192.168.0.0/16\"\n\
        SEEDBOX_MAX_LIVE=\"50\"\nSEEDBOX_RELAY_URLS=\"wss://box.example/relay\"\n";
    assert_eq!(read("state/settings"), further);
    // "Zum Löwen" has a character that iwd wants in hexadecimal.
    let network = read("state/wifi/=5a756d204cc3b677656e.psk");
    assert_eq!(network, "[Security]\nPassphrase=\\sopen sesame\\\\\n");
    assert!(!at("boot/seedbox-error.txt").exists());
    let mode = |name: &str| fs::metadata(at(name)).unwrap().mode() & 0o777;
    assert_eq!(mode("state/preset.toml"), 0o640);
    assert_eq!(mode("state/wifi/=5a756d204cc3b677656e.psk"), 0o600);
    let taken = Preset::parse(&read("state/preset.toml")).unwrap();
    assert_eq!(taken.claim_code.as_deref(), Some("7Q2M-K9XD-4TWB-0HZ1"));
    assert!(taken.wifi.is_none() && taken.wallets.len() == 1 && taken.quota.is_some());

    let left = read("boot/seedbox.toml");
    assert!(!left.contains("sesame") && !left.contains("7Q2M"), "{left}");
    assert!(
        left.contains("Zum Löwen")
            && left.contains("applied = true")
            && left.contains("led_pin = 17"),
        "{left}"
    );
    let names = fs::read_dir(at("boot")).unwrap().count();
    assert_eq!(names, 1, "a draft is left behind");

    fs::remove_file(at("state/preset.toml")).unwrap();
    fs::remove_file(at("state/hostname")).unwrap();
    apply_on(card.path()).unwrap();
    assert!(!at("state/preset.toml").exists() && !at("state/hostname").exists());
}

/// Says where the contracts are.
fn deployment() -> String {
    let address = |n: u8| format!("0x{}", hex::encode([n; 20]));
    let (land, model, placement) = (address(1), address(2), address(3));
    format!(
        r#"{{"chainId": 1, "block": 7, "land": "{land}", "model": "{model}", "placement": "{placement}"}}"#
    )
}

#[test]
fn the_chain_comes_with_the_contracts_beside_it_and_its_key_is_gone() {
    let card = card("[settings]\nrpc = [\"https://rpc.example/THEKEY\"]\nchain_poll = \"8s\"");
    let at = |name: &str| card.path().join(name);
    let without = apply_on(card.path()).unwrap_err();
    assert!(
        format!("{without:#}").contains("`deployment`"),
        "{without:#}"
    );
    let deployment = deployment();
    fs::write(at("boot/deployment.json"), &deployment).unwrap();
    apply_on(card.path()).unwrap();
    let kept = at("state/deployment.json");
    assert_eq!(fs::read_to_string(&kept).unwrap(), deployment);
    let settings = fs::read_to_string(at("state/settings")).unwrap();
    let told = format!("SEEDBOX_DEPLOYMENT=\"{}\"\n", kept.display());
    assert!(
        settings.contains("/THEKEY\"\n") && settings.ends_with(&told),
        "{settings}"
    );
    assert_eq!(
        fs::metadata(at("state/settings")).unwrap().mode() & 0o777,
        0o600
    );
    let left = fs::read_to_string(at("boot/seedbox.toml")).unwrap();
    assert!(
        !left.contains("THEKEY") && left.contains("chain_poll = \"8s\""),
        "{left}"
    );
}

#[test]
fn what_the_box_would_not_start_with_is_not_applied() {
    for (text, words) in [
        ("chain_poll = \"soon\"", "`chain_poll`"),
        ("max_live = 0", "`max_live`"),
        ("rpc = [\"ftp://SECRET\"]", "`rpc`"),
    ] {
        let card = card(&format!("[settings]\n{text}"));
        if text.contains("rpc") {
            fs::write(card.path().join("boot/deployment.json"), deployment()).unwrap();
        }
        let told = format!("{:#}", apply_on(card.path()).unwrap_err());
        assert!(told.contains(words), "{text}: {told}");
        assert!(!told.contains("SECRET"), "{told}");
        assert_eq!(fs::read_dir(card.path().join("state")).unwrap().count(), 0);
    }
}

#[test]
fn one_mistake_and_nothing_is_applied() {
    let card = card("hostname = \"attic\"\nquota = \"lots\"");
    let before = fs::read(card.path().join("boot/seedbox.toml")).unwrap();
    assert!(apply_on(card.path()).is_err());
    assert_eq!(fs::read_dir(card.path().join("state")).unwrap().count(), 0);
    assert_eq!(
        fs::read(card.path().join("boot/seedbox.toml")).unwrap(),
        before
    );
    let told = fs::read_to_string(card.path().join("boot/seedbox-error.txt")).unwrap();
    assert!(
        told.contains("`quota`") && told.contains("nothing of it was applied"),
        "{told}"
    );
}

#[test]
fn a_file_that_presets_nothing_is_left_as_it_is() {
    let text = "# hostname = \"seedbox\"\n";
    let card = card(text);
    apply_on(card.path()).unwrap();
    assert_eq!(
        fs::read_to_string(card.path().join("boot/seedbox.toml")).unwrap(),
        text
    );
    assert_eq!(fs::read_dir(card.path().join("state")).unwrap().count(), 0);
    fs::remove_file(card.path().join("boot/seedbox.toml")).unwrap();
    apply_on(card.path()).unwrap();
}

#[test]
fn a_link_in_the_state_folder_leads_nowhere() {
    let card = card(WHOLE);
    let outside = tempfile::tempdir().unwrap();
    let state = card.path().join("state");
    std::os::unix::fs::symlink(outside.path(), state.join("wifi")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("x"), state.join("hostname")).unwrap();
    assert!(apply_on(card.path()).is_err());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_box_takes_it_at_its_first_start_alone() {
    let card = card(WHOLE);
    apply_on(card.path()).unwrap();
    let data = card.path().join("state");
    let store = seedbox_store::Store::open(&data.join("seedbox.db")).unwrap();
    let taken = Taken::read(&data, &store).await.unwrap();
    assert_eq!(taken.claim_code.as_deref(), Some("7Q2M-K9XD-4TWB-0HZ1"));
    assert_eq!(taken.quota, Some(50_000_000_000));
    assert_eq!(taken.hostname.as_deref(), Some("attic"));
    assert_eq!(store.wallets().await.unwrap(), [WALLET.parse().unwrap()]);
    taken.done().unwrap();
    assert!(!data.join(FILE).exists());

    let wallet = store.wallets().await.unwrap()[0];
    store.unlink_wallet(wallet).await.unwrap();
    let again = Taken::read(&data, &store).await.unwrap();
    assert!(again.claim_code.is_none() && store.wallets().await.unwrap().is_empty());
    assert_eq!(
        again.quota,
        Some(50_000_000_000),
        "for a volume that comes later"
    );
}
