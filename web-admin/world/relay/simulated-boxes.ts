// Boxes and clients on a simulated network, for tests of paths: boxes die and come back, time goes as
// fast as it can. What a client says too often or out of place is the real boxes' matter.
import { ed25519 } from "@noble/curves/ed25519.js";
import { hex } from "../bytes";
import type { Carrier } from "./carrier";
import { Code } from "./code";
import { x25519Public } from "./crypto";
import type { Descriptor } from "./descriptor";
import type { Surroundings } from "./entries";
import { CLASSES, NESTING, cellLength, handshakeLength, writeAnswer, writeGrant } from "./frame";
import { type Transport, respond } from "./noise";
import { EVERYBODY, Kind, type Record, parseCell, writeRecord } from "./record";
import { type RoomName, roomId } from "./room";
import { Host, ticketKey } from "./simulated-host";
import { Seeded } from "./simulated-room";
import { ascii, concat } from "./writer";

const LATENCY = 5;
/** Milliseconds in which a disk has written. */
const DISK = 30;
const GRANT = { roles: 7, tick: 40, members: 32, poses: 40, messages: 20, bytes: 65_536 };

/** A clock, timers, and wires between boxes. */
export class Network {
  now = 1_000_000;
  readonly boxes: Box[] = [];
  readonly random: Seeded;
  private timers: { at: number; order: number; action: () => void }[] = [];
  private order = 0;

  constructor(seed: number) {
    this.random = new Seeded(seed);
  }

  after = (milliseconds: number, action: () => void): (() => void) => {
    const timer = { at: this.now + milliseconds, order: this.order++, action };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((other) => other !== timer));
  };

  run(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      this.timers.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.timers[0];
      if (next === undefined || next.at > end) break;
      this.timers.shift();
      this.now = next.at;
      next.action();
    }
    this.now = end;
  }

  /** Runs until something is so; says after how many milliseconds. */
  until(isSo: () => boolean, limit: number): number {
    const start = this.now;
    while (!isSo()) {
      if (this.now - start > limit) throw new Error(`not so after ${limit} ms`);
      this.run(10);
    }
    return this.now - start;
  }

  addBox(): Box {
    const box = new Box(this, this.boxes.length);
    this.boxes.push(box);
    return box;
  }

  /** A client's surroundings on this network. */
  around(seed: number): Surroundings {
    const random = new Seeded(seed);
    const open = ([url]: string[]) => this.connect(this.boxes.find((box) => box.url === url));
    return { now: () => this.now, after: this.after, random: random.bytes, open };
  }

  /** A wire to a box: the near end. A dead box says nothing at all. */
  connect(box: Box | undefined): Carrier {
    const [near, far] = wire(this);
    this.after(LATENCY, () => {
      if (box?.isAlive) box.accept(far);
    });
    return near;
  }
}

/** Two ends; what is sent before somebody listens is lost, as nobody sends so early here. */
function wire(network: Network): [Carrier, Carrier] {
  const make = (other: () => Carrier): Carrier => ({
    send: (frame) => void network.after(LATENCY, () => other().onFrame(frame)),
    close: () => void network.after(LATENCY, () => other().onClosed(Code.BYE)),
    buffered: 0,
    onFrame: () => {},
    onClosed: () => {},
  });
  const near: Carrier = make(() => far);
  const far: Carrier = make(() => near);
  // The box listens a moment later than the client speaks.
  const { send, close } = near;
  near.send = (frame) => void network.after(LATENCY, () => send(frame));
  near.close = () => void network.after(LATENCY, () => close());
  return [near, far];
}

/** A session at the box's end. */
interface Link {
  depth: number;
  transport: Transport | null;
  carrier: Carrier;
  circuits: Map<number, Carrier>;
  member: { name: RoomName; room: string; slot: number; client: Uint8Array; ticket: string | null } | null;
  /** The mailbox is at work for it. */
  isBusy: boolean;
}

export class Box {
  readonly node: Uint8Array;
  readonly noise: Uint8Array;
  readonly url: string;
  isAlive = true;
  readonly host: Host;
  private links: Link[] = [];
  private readonly secret: Uint8Array;
  private slots = 0;

  constructor(
    private readonly network: Network,
    number: number,
  ) {
    this.node = ed25519.getPublicKey(network.random.bytes(32));
    this.secret = network.random.bytes(32);
    this.noise = x25519Public(this.secret);
    this.url = `ws://10.${number}.0.1/relay`;
    this.host = new Host(() => BigInt(Math.floor(network.now / 1_000)));
    this.beat();
  }

  get descriptor(): Descriptor {
    const { node, noise, url } = this;
    return { node, noise, operator: node, roles: 7, issued: 0n, expires: 2n ** 60n, urls: [url] };
  }

  /** As when the plug is pulled: nobody is told. */
  die(): void {
    this.isAlive = false;
    this.links = [];
    this.host.restarted();
  }

  revive(): void {
    this.isAlive = true;
  }

  private beat(): void {
    this.network.after(1_000, () => {
      for (const link of this.links) if (link.member !== null) this.send(link);
      this.beat();
    });
  }

  accept(carrier: Carrier): void {
    const link: Link = { depth: 0, transport: null, carrier, circuits: new Map(), member: null, isBusy: false };
    this.links.push(link);
    carrier.onFrame = (frame) => {
      if (this.links.includes(link)) this.take(link, frame);
    };
    carrier.onClosed = () => this.end(link);
  }

  private end(link: Link): void {
    if (!this.links.includes(link)) return;
    this.out(link, Code.BYE);
    this.links = this.links.filter((other) => other !== link);
    for (const circuit of link.circuits.values()) circuit.close();
  }

  private take(link: Link, frame: Uint8Array): void {
    if (link.transport !== null) {
      for (const record of parseCell(link.transport.open(frame))) this.heed(link, record);
      return;
    }
    link.depth = [0, 1, 2].find((depth) => handshakeLength(depth) === frame.length)!;
    const prologue = concat(ascii("cosmos-relay/1"), this.node);
    const grant = writeGrant(GRANT, link.depth);
    const ephemeral = this.network.random.bytes(32);
    const { transport, answer } = respond(prologue, this.secret, ephemeral, frame.subarray(26), grant);
    link.carrier.send(writeAnswer({ type: "accept", noise: answer }, link.depth));
    link.transport = transport;
  }

  private send(link: Link, ...records: Record[]): void {
    if (!this.isAlive) return;
    const bytes = concat(...records.map(writeRecord));
    const isData = records[0]?.type === "data";
    const cell = isData ? bytes : concat(bytes, new Uint8Array(cellLength(bytes.length, link.depth) - bytes.length));
    const frame = link.transport!.seal(cell);
    if (!CLASSES.includes(frame.length + NESTING * link.depth)) throw new Error("no class");
    link.carrier.send(frame);
  }

  private heed(link: Link, record: Record): void {
    switch (record.type) {
      case "ping":
        return this.send(link, { type: "pong", token: record.token });
      case "close":
        return this.end(link);
      case "open": {
        const { circuit, node } = record;
        const far = this.network.connect(this.network.boxes.find((box) => hex(box.node) === hex(node)));
        far.onFrame = (frame) => this.send(link, { type: "data", circuit, frame });
        far.onClosed = (code) => this.send(link, { type: "closed", circuit, code });
        return void link.circuits.set(circuit, far);
      }
      case "data":
        return link.circuits.get(record.circuit)?.send(record.frame);
      case "closed":
        link.circuits.get(record.circuit)?.close();
        return void link.circuits.delete(record.circuit);
      case "join":
        return this.atTheDoor(link, record);
      case "block":
        return this.block(link, record);
      case "keep":
        return this.mail(link, Kind.keep, ({ name }) => {
          const kept = this.host.keep(name, record.sealed);
          return typeof kept === "bigint" ? [{ type: "kept", number: kept }] : kept;
        });
      case "fetch":
        return this.mail(link, Kind.fetch, ({ name }) => this.host.fetch(name, record.after));
      case "leave":
        return this.out(link, Code.BYE);
      case "pose":
        return this.tell(link, EVERYBODY, (slot) => ({ type: "poseFrom", slot, sealed: record.sealed }));
      case "send":
        return this.tell(link, record.to, (from) => ({ type: "sent", from, to: record.to, sealed: record.sealed }));
      default:
        throw new Error(`a client said ${record.type}`);
    }
  }

  private othersOf(link: Link): Link[] {
    return this.links.filter((other) => other !== link && other.member?.room === link.member?.room);
  }

  private atTheDoor(link: Link, record: Record & { type: "join" }): void {
    const { host, network } = this;
    const refusal = host.refusal(record, link.transport!.hash, link.depth);
    if (refusal !== null) return this.refuse(link, Kind.join, refusal);
    if (record.rule === null) return this.join(link, record);
    network.after(host.chain.takes, () => {
      const code = host.ask(record);
      if (code === null) this.join(link, record);
      else this.refuse(link, Kind.join, code);
    });
  }

  private refuse(link: Link, record: number, code: Code): void {
    this.send(link, { type: "refused", record, code });
  }

  private join(link: Link, record: Record & { type: "join" }): void {
    if (!this.links.includes(link)) return;
    if (this.host.isBlocked(record)) return this.refuse(link, Kind.join, Code.BLOCKED);
    const { client, policy, owner, salt, rule } = record;
    const same = this.links.find(({ member }) => member !== null && hex(member.client) === hex(client));
    const slot = same?.member?.slot ?? this.slots++;
    const name = { policy, owner, salt, rule };
    link.member = { name, room: hex(roomId(name)), slot, client, ticket: ticketKey(record) };
    if (same !== undefined) same.member = null;
    const others = this.othersOf(link);
    const list = others.map(({ member }) => ({ slot: member!.slot, client: member!.client }));
    this.send(link, { type: "joined", slot, others: list });
    for (const other of others) this.send(other, { type: "member", slot, client });
  }

  private block(link: Link, record: Record & { type: "block" }): void {
    if (link.member === null) return;
    const { name, room } = link.member;
    if (!this.host.block(name, record)) return this.refuse(link, Kind.block, Code.SIGNATURE);
    if (record.until * 1_000n <= BigInt(this.network.now)) return;
    const key = hex(record.key);
    for (const other of this.links) {
      const { member } = other;
      if (member?.room === room && (hex(member.client) === key || member.ticket === key)) this.putOut(other);
    }
  }

  private putOut(link: Link): void {
    this.send(link, { type: "left", slot: link.member!.slot, code: Code.BLOCKED });
    this.out(link, Code.BLOCKED);
  }

  private mail(link: Link, kind: number, answer: (member: NonNullable<Link["member"]>) => Record[] | Code): void {
    const { member } = link;
    if (member === null) return;
    if (link.isBusy) return this.refuse(link, kind, Code.BUSY);
    link.isBusy = true;
    this.network.after(DISK, () => {
      link.isBusy = false;
      const records = answer(member);
      if (!Array.isArray(records)) return this.refuse(link, kind, records);
      for (const record of records) this.send(link, record);
    });
  }

  private out(link: Link, code: Code): void {
    const { member } = link;
    if (member === null) return;
    for (const other of this.othersOf(link)) this.send(other, { type: "left", slot: member.slot, code });
    link.member = null;
    if (!this.links.some(({ member: other }) => other?.room === member.room)) this.host.roomEnded(member.name);
  }

  private tell(link: Link, to: number, make: (from: number) => Record): void {
    if (link.member === null) return;
    for (const other of this.othersOf(link)) {
      if (to === EVERYBODY || other.member!.slot === to) this.send(other, make(link.member.slot));
    }
  }
}
