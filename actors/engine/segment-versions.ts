/** The version of each segment that was said last. */

/** Only of segments whose version is said at all, so bounded by the segments that are known. O(1) a call. */
export class SegmentVersions {
  readonly #latest = new Map<number, string | number>();

  /** Takes note of a version; true = another one was said before. */
  isNews(segment: number, version: string | number): boolean {
    const isOther = this.differs(segment, version);
    this.#latest.set(segment, version);
    return isOther;
  }

  /** Whether another version was said last. */
  differs(segment: number, version: string | number): boolean {
    const known = this.#latest.get(segment);
    return known !== undefined && known !== version;
  }

  entries(): readonly (readonly [segment: number, version: string | number])[] {
    return [...this.#latest];
  }

  restore(entries: readonly (readonly [segment: number, version: string | number])[]): void {
    for (const [segment, version] of entries) this.#latest.set(segment, version);
  }
}
