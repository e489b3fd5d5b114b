import { describe, expect, test } from 'vitest';
import { createNextItemModel } from '../../actors/sequence-predictor/create-next-item-model.ts';
import { type NextHits, scoreBaselines, scoreModel } from '../../sim/bench/next-score.ts';
import { readNextTrace } from '../../sim/bench/next-trace.ts';
import { hasTraces, skipWithoutTraces, tracePath } from '../require-or-skip.ts';

const why = hasTraces ? '' : ' (skipped: ../shared/traces is absent)';

/** Top-1 and top-4 of first-order Markov as others measured them, and the points by which the engine has to be above. */
const cases = [
  { trace: 'web_nasa_day', markov: [0.51, 0.66], above: [3, 3] },
  { trace: 'session_wikispeedia', markov: [0.15, 0.35], above: [0.3, 1] },
  { trace: 'region_cran_logs', markov: [0.18, 0.32], above: [3, 3] },
  { trace: 'file_git_git', markov: [0.15, 0.27], above: [3, 3] },
] as const;

const rates = ({ steps, top1, top4 }: NextHits): readonly number[] => [top1 / steps, top4 / steps];

describe('the next segment of a consumer', () => {
  test.skipIf(skipWithoutTraces(...cases.map(({ trace }) => `${trace}.csv.gz`))).each(cases)(
    `$trace: the ensemble is as far above first-order Markov as it has to be, on the first 70 % and on the rest, and honest${why}`,
    async ({ trace: name, markov, above }) => {
      const trace = await readNextTrace(tracePath(`${name}.csv.gz`));
      const yardstick = scoreBaselines(trace).at(-1)!;
      const score = await scoreModel(createNextItemModel(), trace, () => 0);
      const steps = yardstick.developed.steps + yardstick.heldOut.steps;
      expect((yardstick.developed.top1 + yardstick.heldOut.top1) / steps).toBeCloseTo(markov[0], 1.8);
      expect((yardstick.developed.top4 + yardstick.heldOut.top4) / steps).toBeCloseTo(markov[1], 1.8);
      expect(score.calibrationError).toBeLessThan(0.03);
      for (const part of ['developed', 'heldOut'] as const) {
        const [least, most] = rates(yardstick[part]).map((rate, i) => rate + above[i]! / 100);
        const [top1, top4] = rates(score[part]);
        expect(top1).toBeGreaterThan(least!);
        expect(top4).toBeGreaterThan(most!);
      }
    },
  );
});
