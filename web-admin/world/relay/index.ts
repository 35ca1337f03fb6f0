// The relay's client for other programs, bundled as one classic script that also runs from file://. Its
// names are in the global `SeedboxRelay`; docs/RELAY.md says how they are used.
export { FormatError, hex, unhex } from "../bytes";
export type { TypedData } from "../typed-data";
export { Room, type Presence, type RoomListener, type RoomOptions, browser } from "./client";
export type { CodeName } from "./code";
export { SigningKey } from "./crypto";
export { type Descriptor, Role, fetchDescriptors, fetchOwnDescriptor } from "./descriptor";
export type { Surroundings } from "./entries";
export { type Guard, type GuardStorage, Guards } from "./guards";
export { MailboxError, type Note } from "./mailbox";
export type { Member } from "./profile";
export {
  type Invitation,
  Policy,
  type RoomBox,
  type TicketSecret,
  invitationText,
  issueTicket,
  parcelSecret,
  parseInvitation,
  roomId,
  roomName,
} from "./room";
export type { Rule } from "./rule";
export type { Wallet } from "./wallet";
export {
  type Measure,
  type SignedVote,
  type Tally,
  type Vote,
  compare,
  fetchVotes,
  isSigned,
  postVote,
  proposalOf,
  readProposal,
  recount,
  setDigest,
  typedData,
  voteHash,
} from "../votes";
