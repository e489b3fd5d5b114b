/** A bench: contenders that do the same work, and what the ratio between them should be. The contract of every file listed in benches.ts. */

/** What a bench is given. */
export interface BenchContext {
  /** Share of the full work, in (0, 1]: for trying a bench out. Figures are quoted at 1. */
  readonly scale: number;
  /** Folder of the real traces; a bench whose trace is not there uses a built-in workload and says so. */
  readonly traces: string;
  /** Told what is going on, for a person. */
  readonly log: (line: string) => void;
}

/** One way of doing the work. */
export interface Contender {
  readonly name: string;
  /** What exactly it does, so that a reader can judge whether the comparison is fair. */
  readonly does: string;
  /** Does the work once. */
  run(): Promise<Sample> | Sample;
}

/** What one run measured. */
export interface Sample {
  /** In the bench's unit. */
  readonly value: number;
  /** What the work came to. Contenders that give one must give the same: whoever does less work is not faster. */
  readonly answer?: string;
}

/** What should hold between two contenders, or for one of them (`versus` null: its value itself). */
export interface Goal {
  readonly contender: string;
  readonly versus: string | null;
  /** Null: no target, reported as context. */
  readonly target: number | null;
  readonly aim: number | null;
}

export interface PreparedBench {
  /** What is worked on: where it comes from and how much it is. */
  readonly workload: string;
  /** In the order in which each round runs them. */
  readonly contenders: readonly Contender[];
  readonly goals: readonly Goal[];
  /** Facts found on the way that the values alone do not show; asked for after the last round. */
  readonly notes?: () => readonly string[];
  close?(): Promise<void> | void;
}

export interface Bench {
  readonly name: string;
  /** One sentence. */
  readonly compares: string;
  readonly unit: string;
  /** Whether a target is a floor (rates) or a ceiling (memory, time). */
  readonly better: 'higher' | 'lower';
  /** Rounds where `--runs` does not say. Default 5. */
  readonly runs?: number;
  /** Rounds before the first that counts. Default 1; more where a run is over before V8 has compiled it, 0 where it is a process. */
  readonly warmups?: number;
  prepare(context: BenchContext): Promise<PreparedBench>;
}
