// A client in a room: what a page uses. It joins the conversation to whichever box the room is at now.
import { FormatError, ensure, hex } from "../bytes";
import { Blocks } from "./blocks";
import { browserCarrier } from "./browser-carrier";
import { Code, type CodeName, codeName } from "./code";
import { Conversation, type Heard } from "./conversation";
import { SigningKey } from "./crypto";
import type { Surroundings } from "./entries";
import type { Guards } from "./guards";
import { type Home, HomeSeeker } from "./home";
import { Mailbox, type Note } from "./mailbox";
import { Members } from "./members";
import { sealNote } from "./note";
import { type Member, writeProfile } from "./profile";
import { Kind, type Occupant, type Record } from "./record";
import { type Invitation, Policy, type RoomBox, type RoomName, admit, roomId, roomKeys, roomName } from "./room";
import type { RoomContext } from "./sealed";
import { Sender } from "./sender";
import { type Delegate, type Delegation, type Wallet, delegate, writeDelegation } from "./wallet";
import { equal } from "./writer";

/** How the client is in the room now. */
export type Presence =
  | {
      state: "seeking";
      /** Why the last try failed, or where we were was lost. */
      reason: CodeName;
    }
  | {
      state: "here";
      /** Of the box in the invitation. */
      position: number;
      hops: 1 | 2 | 3;
      /** Fewer than three independent guards, or entry and room box may be one operator's. */
      isPrivacyReduced: boolean;
    }
  | {
      /** The wallet did not sign, so the room was not entered and will not be. */
      state: "refused";
      error: unknown;
    };

/** What the application hears. Members are named by their client key in hexadecimal. */
export interface RoomListener extends Omit<Heard, "member" | "move" | "room"> {
  /** The client is in the room, or was cut off and looks for a way back. Members stay members. */
  presence(presence: Presence): void;
  /** A member is here, or shows something else of itself. */
  member(id: string, member: Member): void;
  /** There is room again, after `send` or `sendTo` refused. */
  ready(): void;
  /** The room's box did not do as {@link Room.block} said. */
  blockRefused?(reason: CodeName): void;
}

export interface RoomOptions {
  invitation: Invitation;
  guards: Guards;
  /** 2 if nothing is said. 1 only where the room's policy allows it: the room's box sees the address. */
  hops?: 1 | 2 | 3;
  /** The second of three hops. One of the guards if nothing is said. */
  middle?: RoomBox;
  /** Shown to members; at most 64 bytes. */
  name?: string;
  /** Shown to members, and to the box if the room has a rule. Asked once, before a way is looked for. */
  wallet?: Wallet;
  /** EIP-155 ID of the chain of everybody's wallets; a room's rule says it. Without it no wallets are known. */
  chain?: number;
  /** Of the room, to block members. */
  owner?: SigningKey;
}

/** The browser's own clock, randomness and ways to boxes. */
export const browser: Surroundings = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  after,
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
  open: (urls) => browserCarrier(urls, after),
};

function after(milliseconds: number, action: () => void): () => void {
  const timer = setTimeout(action, milliseconds);
  return () => clearTimeout(timer);
}

/** Says what is wrong with options before anybody is asked for anything. */
function check({ invitation, hops = 2, middle, wallet, owner }: RoomOptions, chain: number | null): void {
  const { policy, rule, boxes } = invitation;
  ensure(hops !== 1 || (policy & Policy.DIRECT) !== 0, "this room does not allow a single hop");
  ensure(middle === undefined || hops === 3, "only the way over three hops has a box in the middle");
  const isRooms = boxes.some(({ node }) => middle !== undefined && equal(node, middle.node));
  ensure(!isRooms, "the box in the middle is one of the room's");
  ensure(rule === null || wallet !== undefined, "this room asks for something on the chain: enter it with a wallet");
  ensure(wallet === undefined || chain !== null, "a wallet needs a chain: say which");
  const isOwner = owner === undefined || equal(owner.public, invitation.owner);
  ensure(isOwner, "this is not the key of the room's owner");
}

export class Room {
  /** Our client key, by which the others know us. */
  readonly id: string;
  private readonly key: SigningKey;
  private readonly name: RoomName;
  private readonly context: RoomContext;
  private readonly conversation: Conversation;
  private readonly members: Members;
  private readonly mailbox: Mailbox;
  private readonly blocks: Blocks | null;
  private profile: Uint8Array;
  private seeker: HomeSeeker | null = null;
  private sender: Sender | null = null;
  private cancelWake = () => {};
  private isOver = false;

  /** Begins to look for a way into the room. Throws a `FormatError` if the options do not go together. */
  constructor(
    private readonly options: RoomOptions,
    private readonly listener: RoomListener,
    private readonly around: Surroundings = browser,
  ) {
    const { invitation, name = "", wallet, owner } = options;
    const chain = invitation.rule?.chain ?? options.chain ?? null;
    check(options, chain);
    const { random, now } = around;
    this.key = new SigningKey(random(32));
    this.id = hex(this.key.public);
    this.name = roomName(invitation);
    const room = roomId(this.name);
    this.context = { room, keys: roomKeys(invitation.secret) };
    this.profile = writeProfile(name, null);
    const profile = () => this.profile;
    this.conversation = new Conversation(this.context, this.key, profile, random, this.heard(), now());
    this.members = new Members(room, chain, around, (id, member) => listener.member(id, member));
    this.mailbox = new Mailbox(this.context, chain, around, (record) => this.sender?.post(record));
    this.blocks = owner === undefined ? null : new Blocks(owner, room);
    if (wallet === undefined) this.seek(null);
    else this.ask(wallet, { chain: chain!, client: this.key.public, room });
  }

  private ask(wallet: Wallet, to: Delegate): void {
    const { name = "" } = this.options;
    delegate(wallet, to, this.unix).then(
      (delegation) => {
        this.profile = writeProfile(name, delegation);
        this.seek(delegation);
      },
      (error: unknown) => {
        if (!this.isOver) this.listener.presence({ state: "refused", error });
      },
    );
  }

  /** Unix seconds. */
  private get unix(): number {
    return Math.floor(this.around.now() / 1_000);
  }

  private seek(delegation: Delegation | null): void {
    if (this.isOver) return;
    const { invitation, guards, hops = 2, middle = null } = this.options;
    const { key, name } = this;
    const { room } = this.context;
    const none = new Uint8Array(0);
    const proofs = {
      ticket: invitation.ticket === null ? none : admit(invitation.ticket, room, key.public),
      delegation: delegation === null || name.rule === null ? none : writeDelegation(delegation),
    };
    const ways = { boxes: invitation.boxes, guards, hops, middle, isRuled: name.rule !== null };
    this.seeker = new HomeSeeker(ways, this.around, {
      join: (session) => {
        const signature = key.sign("join", session, room);
        return { type: "join", ...name, client: key.public, signature, ...proofs };
      },
      arrived: (home, others, before) => this.arrived(home, others, before),
      record: (record) => this.heed(record),
      lost: (code) => this.lost(code),
      failed: (_, code) => this.lost(code),
    });
  }

  private heard(): Heard {
    const { listener } = this;
    return {
      member: (id, profile) => this.members.shows(id, profile),
      gone: (id) => {
        this.members.gone(id);
        listener.gone(id);
      },
      pose: (id, pose) => listener.pose(id, pose),
      message: (id, payload) => listener.message(id, payload),
      direct: (id, payload) => listener.direct(id, payload),
      missed: (id, kind, first, last) => listener.missed(id, kind, first, last),
      move: (position) => this.seeker?.follow(position),
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

  /**
   * Leaves a note of up to 3,072 bytes for who comes later; done when the room's box has it on its disk. Rejects with
   * a {@link MailboxError}. Whoever is ever invited can read it.
   */
  async leaveNote(payload: Uint8Array): Promise<void> {
    const note = { written: this.unix, profile: this.profile, payload };
    await this.mailbox.keep(sealNote(this.context, this.key, note, this.around.random(16)));
  }

  /** The notes that the room's box has, newest last. Rejects with a {@link MailboxError}. */
  notes(): Promise<Note[]> {
    return this.mailbox.fetch();
  }

  /**
   * Keeps a member, or all who came by a ticket, out until then (Unix seconds). `key` is the client key or the ticket
   * key in hexadecimal. Only for the room's owner, and as long as he is there: what he said is said again to each box.
   */
  block(key: string, until: number): void {
    const { blocks } = this;
    if (blocks === null) throw new FormatError("only the room's owner can block: enter with his key");
    const record = blocks.set(key, until, this.unix);
    this.sender?.post(record);
  }

  /** Lets a blocked key in again. */
  unblock(key: string): void {
    this.block(key, 0);
  }

  /** Says goodbye and ends everything. */
  leave(): void {
    if (this.isOver) return;
    this.conversation.sayBye();
    this.postOutgoing();
    this.sender?.flushNow();
    this.isOver = true;
    this.outside();
    this.members.close();
    this.cancelWake();
    this.seeker?.close();
  }

  private postOutgoing(): void {
    this.sender?.post(...this.conversation.takeOutgoing().map((out) => ({ type: "send", ...out }) as const));
  }

  private outside(): void {
    this.sender?.close();
    this.sender = null;
    this.mailbox.lost();
    this.conversation.outside();
  }

  private arrived(home: Home, others: Occupant[], before: Home | null): void {
    const { guards, invitation, hops = 2 } = this.options;
    if (before !== null) {
      this.conversation.sayMove(home.position);
      this.postOutgoing();
      this.sender?.flushNow();
    }
    this.outside();
    const sealPose = (pose: Uint8Array) => this.conversation.sealPose(pose);
    this.sender = new Sender(home.session, home.grant, this.around, sealPose);
    this.conversation.joined(others, this.around.now());
    this.mailbox.arrived();
    const { node } = invitation.boxes[home.position]!;
    const isPrivacyReduced = hops === 1 || guards.isReduced(home.guard, node);
    this.listener.presence({ state: "here", position: home.position, hops, isPrivacyReduced });
    this.attend();
    this.sayBlocks();
  }

  private sayBlocks(): void {
    this.sender?.postLater(this.blocks?.all(this.unix) ?? []);
  }

  private lost(code: Code): void {
    // A try at another box may fail while we are at home.
    if (this.seeker?.current != null) return;
    this.outside();
    this.listener.presence({ state: "seeking", reason: codeName(code)! });
  }

  private heed(record: Record): void {
    const now = this.around.now();
    switch (record.type) {
      case "member":
        this.conversation.memberCame(record.slot, record.client, now);
        break;
      case "left":
        this.conversation.left(record.slot, now, record.code === Code.BLOCKED);
        break;
      case "poseFrom":
        this.conversation.poseCame(record.slot, record.sealed);
        break;
      case "sent":
        this.conversation.messageCame(record.from, record.sealed, now);
        break;
      case "slower":
        this.sender?.slower(record.record, record.pause);
        if (record.record === Kind.block) this.sayBlocks();
        break;
      case "refused":
        if (record.record === Kind.block) this.listener.blockRefused?.(codeName(record.code)!);
        break;
    }
    this.mailbox.heed(record);
    this.attend();
  }

  /** Passes on what the conversation wants to send, and wakes it when it wants to be. */
  private attend(): void {
    if (this.isOver) return;
    this.postOutgoing();
    this.cancelWake();
    const wait = this.conversation.wakeAt - this.around.now();
    // Timers of browsers hold 31 bits; an epoch is far shorter.
    this.cancelWake = this.around.after(Math.min(Math.max(wait, 0), 2 ** 31 - 1), () => {
      this.conversation.onTime(this.around.now());
      this.attend();
    });
  }
}
