// A session with one box: the handshake, then cells of records in both directions, and circuits to
// other boxes as carriers of further sessions. Sections 3 and 4 of docs/PROTOCOL.md.
import { FormatError, ensure } from "../bytes";
import type { Carrier } from "./carrier";
import { solve } from "./challenge";
import { Code } from "./code";
import {
  type Grant,
  UNSOLVED,
  cellLength,
  initPayload,
  isClass,
  largestCell,
  parseAnswer,
  parseGrant,
  writeInit,
} from "./frame";
import { Initiator, type Transport } from "./noise";
import { type Record, parseCell, writeRecord } from "./record";
import type { RoomBox } from "./room";
import { ascii, concat } from "./writer";

/** A box gives a session no more. */
const MOST_CIRCUITS = 8;

/** Who hears what comes. */
export interface SessionListener {
  /** The handshake is done. */
  opened(grant: Grant): void;
  /** A record that is neither about circuits nor a `PING`. */
  record(record: Record): void;
  /** It is over; nothing more is heard. Not after {@link Session.close}. */
  ended(code: Code): void;
}

export class Session {
  private transport: Transport | null = null;
  private readonly initiator: Initiator;
  private wasChallenged = false;
  private isOver = false;
  private readonly circuits = new Map<number, Carrier>();
  private circuitNumber = 0;
  private pinged: (() => void)[] = [];
  /** When something was last sent. */
  sentAt: number;
  /** When something was last heard. */
  heardAt: number;

  /** `depth` is the number of circuits that `carrier` runs through. */
  constructor(
    private readonly carrier: Carrier,
    box: RoomBox,
    readonly depth: number,
    private readonly listener: SessionListener,
    random: (length: number) => Uint8Array,
    private readonly now: () => number,
  ) {
    const prologue = concat(ascii("cosmos-relay/1"), box.node);
    this.initiator = new Initiator(prologue, box.noise, random(32), new Uint8Array(initPayload(depth)));
    this.sentAt = this.heardAt = now();
    carrier.onFrame = (frame) => this.take(frame);
    carrier.onClosed = (code) => this.end(code);
    carrier.send(writeInit(UNSOLVED, this.initiator.message));
  }

  /** The handshake's hash, to which signatures bind. */
  get hash(): Uint8Array {
    ensure(this.transport !== null, "the session is not open yet");
    return this.transport.hash;
  }

  get isOpen(): boolean {
    return this.transport !== null && !this.isOver;
  }

  get buffered(): number {
    return this.carrier.buffered;
  }

  /** Sends records in as few cells as they fit in. */
  send(...records: Record[]): void {
    if (!this.isOpen) return;
    const most = largestCell(this.depth);
    let cell: Uint8Array[] = [];
    let length = 0;
    for (const record of records) {
      const bytes = writeRecord(record);
      if (length > 0 && length + bytes.length > most) {
        this.sendCell(cell, length);
        [cell, length] = [[], 0];
      }
      cell.push(bytes);
      length += bytes.length;
    }
    this.sendCell(cell, length);
  }

  private sendCell(records: Uint8Array[], length: number): void {
    const cell = new Uint8Array(cellLength(length, this.depth));
    cell.set(concat(...records));
    this.sendSealed(cell);
  }

  private sendSealed(cell: Uint8Array): void {
    this.sentAt = this.now();
    this.carrier.send(this.transport!.seal(cell));
  }

  /** Asks the box whether it is there; `answered` is called if it is. */
  ping(answered: () => void): void {
    this.pinged.push(answered);
    this.send({ type: "ping", token: new Uint8Array(8) });
  }

  /** A carrier to the box with this node ID. */
  openCircuit(node: Uint8Array): Carrier {
    ensure(this.circuits.size < MOST_CIRCUITS, "a session has at most 8 circuits");
    const circuit = ++this.circuitNumber;
    const outer = this.carrier;
    const carrier: Carrier = {
      // A cell with `DATA` holds that record alone and no padding: the frame inside has a class's length.
      send: (frame) => {
        if (this.isOpen) this.sendSealed(writeRecord({ type: "data", circuit, frame }));
      },
      close: () => {
        if (this.circuits.delete(circuit)) this.send({ type: "closed", circuit, code: Code.BYE });
      },
      get buffered() {
        return outer.buffered;
      },
      onFrame: () => {},
      onClosed: () => {},
    };
    this.circuits.set(circuit, carrier);
    this.send({ type: "open", circuit, node });
    return carrier;
  }

  /** Says that the session is over, and ends it. */
  close(): void {
    if (this.isOver) return;
    this.send({ type: "close", code: Code.BYE });
    this.isOver = true;
    this.carrier.close();
  }

  private end(code: Code): void {
    if (this.isOver) return;
    this.isOver = true;
    this.carrier.close();
    for (const carrier of [...this.circuits.values()]) carrier.onClosed(code);
    this.circuits.clear();
    this.listener.ended(code);
  }

  private take(frame: Uint8Array): void {
    if (this.isOver) return;
    this.heardAt = this.now();
    try {
      if (this.transport === null) return this.answered(frame);
      ensure(isClass(frame.length, this.depth), "a frame has a length that no class has");
      for (const record of parseCell(this.transport.open(frame))) if (!this.isOver) this.heed(record);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.end(Code.MALFORMED);
    }
  }

  private answered(frame: Uint8Array): void {
    const answer = parseAnswer(frame, this.depth);
    switch (answer.type) {
      case "accept": {
        const { transport, payload } = this.initiator.finish(answer.noise);
        this.transport = transport;
        return this.listener.opened(parseGrant(payload));
      }
      case "challenge": {
        ensure(!this.wasChallenged, "a box asks for work once");
        this.wasChallenged = true;
        const { message } = this.initiator;
        const solution = solve(answer.bits, answer.nonce, message.subarray(0, 32));
        return this.carrier.send(writeInit(solution, message));
      }
      case "refuse":
        return this.end(answer.code);
    }
  }

  private heed(record: Record): void {
    switch (record.type) {
      case "ping":
        return this.send({ type: "pong", token: record.token });
      case "pong":
        for (const answered of this.pinged.splice(0)) answered();
        return;
      case "close":
        return this.end(record.code);
      case "data":
        return this.circuits.get(record.circuit)?.onFrame(record.frame);
      case "closed": {
        const carrier = this.circuits.get(record.circuit);
        this.circuits.delete(record.circuit);
        return carrier?.onClosed(record.code);
      }
      case "open":
      case "join":
      case "leave":
      case "pose":
      case "send":
      case "block":
      case "keep":
      case "fetch":
        throw new FormatError("only clients say this");
      default:
        this.listener.record(record);
    }
  }
}
