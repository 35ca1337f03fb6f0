// Why a session, a circuit or a record ended: section 9 of docs/PROTOCOL.md.

export const Code = {
  BYE: 1,
  MALFORMED: 2,
  VERSION: 3,
  BUSY: 4,
  TIMEOUT: 5,
  QUOTA: 6,
  UNREACHABLE: 7,
  ROLE: 8,
  SIGNATURE: 9,
  TICKET: 10,
  BLOCKED: 11,
  FULL: 12,
  REPLACED: 13,
  STOPPING: 14,
  HOPS: 15,
  ENTITLEMENT: 16,
} as const;

export type Code = (typeof Code)[keyof typeof Code];
export type CodeName = keyof typeof Code;

const NAMES = new Map<number, CodeName>(
  Object.entries(Code).map(([name, number]) => [number, name as CodeName]),
);

/** The name of a number that came; `undefined` if the protocol has none. */
export function codeName(number: number): CodeName | undefined {
  return NAMES.get(number);
}
