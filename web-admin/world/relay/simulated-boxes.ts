// Boxes and clients on a simulated network, for tests of paths: boxes die and come back, time goes as
// fast as it can. These boxes grant everything; limits are the real one's matter.
import { ed25519 } from "@noble/curves/ed25519.js";
import { hex } from "../bytes";
import type { Carrier } from "./carrier";
import { Code } from "./code";
import { verify, x25519Public } from "./crypto";
import type { Descriptor } from "./descriptor";
import type { Surroundings } from "./entries";
import { CLASSES, NESTING, cellLength, handshakeLength, writeAnswer, writeGrant } from "./frame";
import { type Transport, respond } from "./noise";
import { EVERYBODY, type Record, parseCell, writeRecord } from "./record";
import { roomId } from "./room";
import { Seeded } from "./simulated-room";
import { ascii, concat } from "./writer";

const LATENCY = 5;
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
  member: { room: string; slot: number; client: Uint8Array } | null;
}

export class Box {
  readonly node: Uint8Array;
  readonly noise: Uint8Array;
  readonly url: string;
  isAlive = true;
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
    const link: Link = { depth: 0, transport: null, carrier, circuits: new Map(), member: null };
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
        return this.join(link, record);
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

  private join(link: Link, record: Record & { type: "join" }): void {
    const room = roomId(record);
    if (!verify(record.client, record.signature, "join", link.transport!.hash, room)) throw new Error("signature");
    const same = this.links.find(({ member }) => member !== null && hex(member.client) === hex(record.client));
    link.member = { room: hex(room), slot: same?.member?.slot ?? this.slots++, client: record.client };
    if (same !== undefined) same.member = null;
    const others = this.othersOf(link);
    const { slot, client } = link.member;
    const list = others.map(({ member }) => ({ slot: member!.slot, client: member!.client }));
    this.send(link, { type: "joined", slot, others: list });
    for (const other of others) this.send(other, { type: "member", slot, client });
  }

  private out(link: Link, code: Code): void {
    const { member } = link;
    if (member === null) return;
    for (const other of this.othersOf(link)) this.send(other, { type: "left", slot: member.slot, code });
    link.member = null;
  }

  private tell(link: Link, to: number, make: (from: number) => Record): void {
    if (link.member === null) return;
    for (const other of this.othersOf(link)) {
      if (to === EVERYBODY || other.member!.slot === to) this.send(other, make(link.member.slot));
    }
  }
}

