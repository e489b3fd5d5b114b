/** What a recurrent model and its trainer say to each other, wherever the trainer runs. */

/** Sequences to learn from, as `length, skip, item...` one after the other; predictions of the first `skip` steps are not scored. */
export interface TrainingRequest {
  /** From 1, growing. */
  readonly id: number;
  readonly sequences: Int32Array;
  /** Rows that another item has taken since the request before; each begins anew before training. */
  readonly renewedRows: Int32Array;
  /** Parameters to go on from instead of the trainer's own: after a restore. */
  readonly start: Float32Array | null;
}

export interface TrainingResult {
  readonly id: number;
  /** All parameters, a copy. */
  readonly values: Float32Array;
  /** Mean loss over the new sequences before they were learned, in nats against the sample. */
  readonly loss: number;
  readonly sequenceCount: number;
}

/** The way to a trainer. Requests are worked off in order. */
export interface TrainingPort {
  /** Null = cancelled; what was learned of the request is forgotten. A trainer that works at once answers at once. */
  train(request: TrainingRequest): TrainingResult | Promise<TrainingResult | null>;
  cancel(id: number): void;
  /** Ends the trainer; requests at hand count as cancelled. */
  close(): Promise<void>;
}
