/** Progress on a terminal: a bar with rate and time left on standard error, and nothing at all where that is not a terminal. */

import { elapsedMs } from '../../engine/host/process-usage.ts';
import { beforeSignal } from '../../engine/host/signals.ts';
import type { ReplayProgress } from '../replay/replay.ts';

/** What a command tells of its progress to. */
export interface Progress {
  readonly update: (progress: ReplayProgress) => void;
  readonly stop: () => void;
}

export async function startProgress(isQuiet: boolean): Promise<Progress> {
  if (isQuiet || !process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const { Presets, SingleBar } = await import('cli-progress');
  const bar = new SingleBar(
    {
      format: '{trace}  {stage}  {bar} {percentage}%  {rate}  {eta_formatted} left',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      fps: 8,
      etaBuffer: 50,
      barsize: 24,
    },
    Presets.shades_classic,
  );
  let stage = '';
  // A stage begins where the one before was last heard of; its own first word may come when most of it is done.
  let startedAt = elapsedMs();
  let heardAt = startedAt;
  // A bar hides the cursor and turns off the wrapping of lines; whoever presses Ctrl-C wants both back.
  const listenNoMore = beforeSignal(() => {
    if (stage !== '') bar.stop();
  });
  return {
    update: ({ trace, stage: next, done, total, unit }) => {
      const name = `${trace} ${next}`;
      if (name !== stage) {
        if (stage !== '') bar.stop();
        stage = name;
        startedAt = heardAt;
        bar.start(total ?? done, 0, { trace: shortened(trace), stage: clipped(next), rate: '' });
      }
      if (total === null) bar.setTotal(done);
      heardAt = elapsedMs();
      const seconds = (heardAt - startedAt) / 1000;
      bar.update(done, {
        trace: shortened(trace),
        stage: clipped(next),
        rate: rateText(seconds > 0 ? done / seconds : 0, unit),
      });
    },
    stop: () => {
      listenNoMore();
      if (stage !== '') bar.stop();
    },
  };
}

/** The end of a trace's name: paths differ there. */
function shortened(name: string): string {
  const file = name.startsWith('workload:') ? name.split(',')[0]! : name.slice(name.lastIndexOf('/') + 1);
  return file.length <= 24 ? file : `...${file.slice(-21)}`;
}

function clipped(stage: string): string {
  return stage.length <= 36 ? stage : `${stage.slice(0, 33)}...`;
}

function rateText(perSecond: number, unit: 'bytes' | 'accesses'): string {
  const [value, prefix] =
    perSecond >= 1e6 ? [perSecond / 1e6, 'M'] : perSecond >= 1e3 ? [perSecond / 1e3, 'k'] : [perSecond, ''];
  return `${value.toFixed(1)} ${prefix}${unit === 'bytes' ? 'B' : ' accesses'}/s`;
}
