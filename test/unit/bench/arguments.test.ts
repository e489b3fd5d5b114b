import { describe, expect, test } from 'vitest';
import { parseBenchArguments } from '../../../sim/bench/arguments.ts';

const known = ['parse-csv', 'memory'];
const parse = (...words: string[]) => parseBenchArguments(words, known);

describe("the benches' command line", () => {
  test('without words everything runs as each bench says', () => {
    expect(parse()).toEqual({ isList: false, isHelp: false, names: [], runs: null, scale: 1, traces: null });
  });

  test('names are kept in the order given, once each', () => {
    expect(parse('memory', 'parse-csv', 'memory').names).toEqual(['memory', 'parse-csv']);
  });

  test('an option takes its value after a space or an equals sign', () => {
    expect(parse('--runs', '3', '--scale=0.25', '--traces', 'x=y')).toMatchObject({
      runs: 3,
      scale: 0.25,
      traces: 'x=y',
    });
    expect(parse('--traces=x=y').traces).toBe('x=y');
  });

  test('--list and --help are asked for by themselves', () => {
    expect(parse('--list').isList).toBe(true);
    expect(parse('--help').isHelp).toBe(true);
    expect(parse('-h').isHelp).toBe(true);
  });

  for (const words of [
    ['nothing'],
    ['--run', '3'],
    ['-x'],
    ['--runs'],
    ['--runs='],
    ['--runs', '0'],
    ['--runs', '2.5'],
    ['--runs', '-1'],
    ['--scale', '0'],
    ['--scale', '1.5'],
    ['--scale', 'half'],
    ['--traces'],
  ]) {
    test(`${words.join(' ')} is bad usage, named`, () => {
      expect(() => parse(...words)).toThrow(expect.objectContaining({ code: 'bad-usage' }));
      expect(() => parse(...words)).toThrow(words[0]!.split('=')[0]!);
    });
  }

  test('an unknown name is answered with the known ones', () => {
    expect(() => parse('parse')).toThrow('parse-csv, memory');
  });
});
