// A client in a room: what a page uses. It joins the conversation to whichever box the room is at now.
import { FormatError, hex } from "../bytes";
import { webSocketCarrier } from "./carrier";
import { type CodeName, codeName } from "./code";
import { Conversation, type Heard } from "./conversation";
import { SigningKey } from "./crypto";
import type { Surroundings } from "./entries";
import type { Guards } from "./guards";
import { type Home, HomeSeeker } from "./home";
import type { Occupant, Record } from "./record";
import { type Invitation, Policy, admit, roomId, roomKeys, roomName } from "./room";
import { Sender } from "./sender";

/** How the client is in the room now. */
export type Presence =
  | {
      state: "seeking";
      /** Why the last try failed; `null` if there was none yet. */
      reason: CodeName | null;
    }
  | {
      state: "here";
      /** Of the box in the invitation. */
      position: number;
      hops: 1 | 2 | 3;
      /** Fewer than three independent guards, or entry and room box may be one operator's. */
      isPrivacyReduced: boolean;
    };

/** What the application hears. Members are named by their client key in hexadecimal. */
export interface RoomListener extends Omit<Heard, "move" | "room"> {
  /** The client is in the room, or was cut off and looks for a way back. Members stay members. */
  presence(presence: Presence): void;
  /** There is room again, after `send` or `sendTo` refused. */
  ready(): void;
}

export interface RoomOptions {
  invitation: Invitation;
  guards: Guards;
  /** 2 if nothing is said. 1 only where the room's policy allows it: the room's box sees the address. */
  hops?: 1 | 2 | 3;
  /** Shown to members: section 12 of docs/PROTOCOL.md. At most 512 bytes. */
  profile?: Uint8Array;
}

/** The browser's own clock, randomness and sockets. */
export const browser: Surroundings = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
  open: webSocketCarrier,
};

export class Room {
  /** Our client key, by which the others know us. */
  readonly id: string;
  private readonly conversation: Conversation;
  private readonly seeker: HomeSeeker;
  private sender: Sender | null = null;
  private cancelWake = () => {};
  private isOver = false;

  /** Begins to look for a way into the room. */
  constructor(
    private readonly options: RoomOptions,
    private readonly listener: RoomListener,
    private readonly around: Surroundings = browser,
  ) {
    const { invitation, guards, hops = 2, profile = new Uint8Array(0) } = options;
    if (hops === 1 && !(invitation.policy & Policy.DIRECT)) {
      throw new FormatError("this room does not allow a single hop");
    }
    const { random, now } = around;
    const key = new SigningKey(random(32));
    this.id = hex(key.public);
    const name = roomName(invitation);
    const room = roomId(name);
    const context = { room, keys: roomKeys(invitation.secret) };
    this.conversation = new Conversation(context, key, profile, random, this.heard(), now());
    const ticket = invitation.ticket === null ? new Uint8Array(0) : admit(invitation.ticket, room, key.public);
    this.seeker = new HomeSeeker(invitation.boxes, guards, hops, around, {
      join: (session) => {
        const signature = key.sign("join", session, room);
        return { type: "join", ...name, client: key.public, signature, ticket };
      },
      arrived: (home, others, before) => this.arrived(home, others, before),
      record: (record) => this.heed(record),
      lost: () => this.lost(null),
      failed: (_, code) => this.lost(codeName(code) ?? null),
    });
  }

  private heard(): Heard {
    const { listener } = this;
    return {
      member: (id, profile) => listener.member(id, profile),
      gone: (id) => listener.gone(id),
      pose: (id, pose) => listener.pose(id, pose),
      message: (id, payload) => listener.message(id, payload),
      direct: (id, payload) => listener.direct(id, payload),
      missed: (id, kind, first, last) => listener.missed(id, kind, first, last),
      move: (position) => this.seeker.follow(position),
      room: () => listener.ready(),
    };
  }

  /** Shows everybody a pose of 1 to 483 bytes. Of several before the next tick the newest is sent. */
  publish(pose: Uint8Array): void {
    this.sender?.publish(pose);
  }

  /** Says up to 12,288 bytes to everybody, once and in order; `false` if too much waits already. */
  send(payload: Uint8Array): boolean {
    const isTaken = this.conversation.say(payload, this.around.now());
    this.attend();
    return isTaken;
  }

  /** The same to one member; `false` also if there is no such member. */
  sendTo(member: string, payload: Uint8Array): boolean {
    const isTaken = this.conversation.sayTo(member, payload, this.around.now());
    this.attend();
    return isTaken;
  }

  /** Says goodbye and ends everything. */
  leave(): void {
    if (this.isOver) return;
    this.conversation.sayBye();
    this.sender?.post(this.conversation.takeOutgoing());
    this.sender?.flushNow();
    this.isOver = true;
    this.endSender();
    this.cancelWake();
    this.seeker.close();
  }

  private endSender(): void {
    this.sender?.close();
    this.sender = null;
  }

  private arrived(home: Home, others: Occupant[], before: Home | null): void {
    const { guards, invitation, hops = 2 } = this.options;
    if (before !== null) {
      this.conversation.sayMove(home.position);
      this.sender?.post(this.conversation.takeOutgoing());
      this.sender?.flushNow();
    }
    this.endSender();
    this.conversation.outside();
    const sealPose = (pose: Uint8Array) => this.conversation.sealPose(pose);
    this.sender = new Sender(home.session, home.grant, this.around, sealPose);
    this.conversation.joined(others, this.around.now());
    const { node } = invitation.boxes[home.position]!;
    const isPrivacyReduced = hops === 1 || guards.isReduced(home.guard, node);
    this.listener.presence({ state: "here", position: home.position, hops, isPrivacyReduced });
    this.attend();
  }

  private lost(reason: CodeName | null): void {
    // A try at another box may fail while we are at home.
    if (this.seeker?.current != null) return;
    this.endSender();
    this.conversation.outside();
    this.listener.presence({ state: "seeking", reason });
  }

  private heed(record: Record): void {
    const now = this.around.now();
    switch (record.type) {
      case "member":
        this.conversation.memberCame(record.slot, record.client, now);
        break;
      case "left":
        this.conversation.left(record.slot, now);
        break;
      case "poseFrom":
        this.conversation.poseCame(record.slot, record.sealed);
        break;
      case "sent":
        this.conversation.messageCame(record.from, record.sealed, now);
        break;
      case "slower":
        this.sender?.slower(record.record, record.pause);
        break;
    }
    this.attend();
  }

  /** Passes on what the conversation wants to send, and wakes it when it wants to be. */
  private attend(): void {
    if (this.isOver) return;
    const outgoing = this.conversation.takeOutgoing();
    this.sender?.post(outgoing);
    this.cancelWake();
    const wait = this.conversation.wakeAt - this.around.now();
    // Timers of browsers hold 31 bits; an epoch is far shorter.
    this.cancelWake = this.around.after(Math.min(Math.max(wait, 0), 2 ** 31 - 1), () => {
      this.conversation.onTime(this.around.now());
      this.attend();
    });
  }
}
