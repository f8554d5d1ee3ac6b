/** A rule of the platform's guide: where it is stated, and what it says in our own few words. */
export interface GuideRule {
  /** The canonical line: the one that a test cites. */
  readonly line: number;
  /** Lines that say the same again: the chapters on the three modes of deployment repeat each other. */
  readonly aliases?: readonly number[];
  readonly rule: string;
}
