// The reader of a box's land grid for other programs, bundled as one classic script that also runs
// from file://. Its names are in the global `SeedboxWorld`.
export {
  type AccessAnswer,
  type KnownPass,
  type ProvedPass,
  modelSubject,
  parcelSubject,
  verifyPass,
} from "./access";
export { FormatError, hex, unhex } from "./bytes";
export {
  type Cell,
  type Chunk,
  type Delta,
  type Epoch,
  type Model,
  type Parcel,
  type Placement,
  type World,
  applyToChunk,
  applyToWorld,
  coordinates,
  decodeChunk,
  decodeDelta,
  decodeWorld,
  epochName,
  tokenId,
} from "./format";
export { type Listener, follow } from "./follow";
export { type Known, type ParcelProof, type Proved, verifyParcel } from "./proof";
export { ProofError } from "./trie";
