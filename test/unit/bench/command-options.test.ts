import { describe, expect, test } from 'vitest';
import {
  checked,
  flag,
  jsonObject,
  list,
  numberFrom,
  oneOf,
  option,
  optional,
  parseCommandOptions,
  positive,
  text,
  wholeFrom,
} from '../../../sim/bench/command-options.ts';
import { parseCacheSizes } from '../../../sim/replay/cache-size.ts';

const options = {
  folder: option('../shared', text),
  runs: option('3', wholeFrom(1)),
  seed: option('1', wholeFrom(0)),
  share: option('0.5', positive),
  bounds: option('1,1.3', list(numberFrom(1))),
  models: option('markov', list(oneOf(['markov', 'ppm']))),
  cache: option('0.1', checked(parseCacheSizes)),
  config: option('{}', jsonObject),
  bytes: optional(wholeFrom(1)),
  points: flag(),
  far: flag(true),
};
const parse = (...words: string[]) => parseCommandOptions(words, options);

describe('the options of a bench that is a command of its own', () => {
  test('are as declared where nobody says', () => {
    expect(parse()).toEqual({
      folder: '../shared',
      runs: 3,
      seed: 1,
      share: 0.5,
      bounds: [1, 1.3],
      models: ['markov'],
      cache: '0.1',
      config: {},
      bytes: null,
      points: false,
      far: true,
    });
  });

  test('take values after a space or an equals sign, and the last one counts', () => {
    const words = ['--runs=5', '--runs', '7', '--bounds', '2,1.05', '--models', 'ppm,markov', '--config', '{"a":1}'];
    expect(parse(...words, '--bytes', '12', '--cache', '64MiB,5', '--share=.25', '--seed', '0')).toMatchObject({
      runs: 7,
      bounds: [2, 1.05],
      models: ['ppm', 'markov'],
      config: { a: 1 },
      bytes: 12,
      cache: '64MiB,5',
      share: 0.25,
      seed: 0,
    });
    expect(parse('--points', '--no-far')).toMatchObject({ points: true, far: false });
  });

  test.each([
    [['--runs', '0'], '--runs: expected a whole number from 1, found "0"'],
    [['--runs', '2.5'], '--runs: expected a whole number from 1, found "2.5"'],
    [['--runs=-1'], '--runs: expected a whole number from 1, found "-1"'],
    [['--runs', 'many'], '--runs: expected a whole number from 1, found "many"'],
    [['--runs='], '--runs: expected a value'],
    [['--runs'], '--runs: expected a value'],
    [['--folder', '--points'], '--folder: expected a value'],
    [['--share', '0'], '--share: expected a number above 0, found "0"'],
    [['--share', '1e3'], '--share: expected a number above 0, found "1e3"'],
    [['--bounds', '1.3,0.5'], '--bounds: expected a number of at least 1, found "0.5"'],
    [['--models', 'ppm,oracle'], '--models: expected one of markov, ppm, found "oracle"'],
    [['--config', '{'], '--config: expected an object as JSON, found "{"'],
    [['--config', '[1]'], '--config: expected an object as JSON, found "[1]"'],
    [['--points=yes'], '--points: takes no value, found "yes"'],
    [['stray'], 'nothing is done with "stray"'],
  ])('%j is refused, and told what was expected', (words, message) => {
    expect(() => parse(...words)).toThrow(expect.objectContaining({ code: 'bad-usage', message }));
  });

  test('a reader of the command says --cache once', () => {
    expect(() => parse('--cache', '7x')).toThrow(/^--cache: expected a share .*, found "7x"$/);
  });

  test('all that is wrong is told at once, unknown options with those that there are', () => {
    expect(() => parse('--run', '3', '--seed', 'x', '--constructor=1', '-x', '--no-points2')).toThrow(
      expect.objectContaining({
        message:
          'nothing is done with "3"; --seed: expected a whole number from 0, found "x"; ' +
          'no option --run, --constructor, -x, --no-points2; there are --folder, --runs, --seed, --share, --bounds, --models, --cache, --config, --bytes, --points, --far',
      }),
    );
  });
});
