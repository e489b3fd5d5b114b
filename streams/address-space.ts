/** Segments as addresses: the contract; `AddressTable` implements it. */

/** Segments as addresses, where the format or the user says that they are; null everywhere else, so ids stay opaque. */
export interface AddressSpace {
  /** Bytes an address unit stands for (512 for disk sectors). */
  readonly unitBytes: number;
  /** Address of a segment. */
  addressOf(segment: number): number;
  /** Segment at an address; interned when new (it may never be demanded). -1 for a negative or unsafe address. */
  segmentAt(address: number): number;
}
