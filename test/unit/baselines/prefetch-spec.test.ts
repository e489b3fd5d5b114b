import { describe, expect, test } from 'vitest';
import { AnteroomError } from '../../../engine/errors.ts';
import { baselineNames, createBaseline, parsePrefetchSpec, splitPrefetchList } from '../../../sim/baselines/index.ts';

const context = { addresses: null };

function failureOf(spec: string): AnteroomError {
  try {
    createBaseline(spec, context);
  } catch (error) {
    expect(error).toBeInstanceOf(AnteroomError);
    return error as AnteroomError;
  }
  throw new Error(`${spec} was accepted`);
}

describe('prefetch spec', () => {
  test('a list keeps the settings of a prefetcher together', () => {
    expect(splitPrefetchList('none,mithril:lookahead-range=50,pf-list-size=4,pg')).toEqual([
      'none',
      'mithril:lookahead-range=50,pf-list-size=4',
      'pg',
    ]);
    expect(splitPrefetchList('pg:max-degree=8,obl:step=2, none')).toEqual(['pg:max-degree=8', 'obl:step=2', 'none']);
    expect(splitPrefetchList('none')).toEqual(['none']);
  });

  test('a spec is a name and its settings', () => {
    expect(parsePrefetchSpec('pg')).toEqual({ name: 'pg', settings: {} });
    expect(parsePrefetchSpec('pg: prefetch-threshold=0.1 , max-degree=8')).toEqual({
      name: 'pg',
      settings: { 'prefetch-threshold': '0.1', 'max-degree': '8' },
    });
  });

  test('every baseline is made from its name alone, but clairvoyant needs the future', () => {
    for (const name of baselineNames) {
      if (name === 'clairvoyant') expect(failureOf(name).code).toBe('unsupported');
      else expect(createBaseline(name, context).name).toBe(name);
    }
  });

  test.each([
    ['nosuch', /no prefetcher is named 'nosuch'; expected one of none, anteroom, mithril, pg, obl, clairvoyant$/],
    ['pg:lookahead=3', /pg has no setting 'lookahead'; it has lookahead-range, prefetch-threshold, max-degree/],
    ['none:x=1', /none has no setting 'x'; it has none/],
    ['pg:lookahead-range', /pg: expected key=value, found 'lookahead-range'/],
    ['pg:', /pg: expected key=value, found ''/],
    ['pg:max-degree=8,max-degree=9', /pg: max-degree is given twice/],
    ['pg:prefetch-threshold=1.5', /pg: prefetch-threshold=1.5: .*1/],
    ['pg:lookahead-range=0', /pg: lookahead-range=0: /],
    ['pg:lookahead-range=2.5', /pg: lookahead-range=2.5: /],
    ['pg:lookahead-range=many', /pg: lookahead-range=many: .*number/],
    ['mithril:rec-trigger=hit', /mithril: rec-trigger=hit: .*each-req/],
    ['mithril:min-support=9', /mithril: max-support is at least min-support/],
    ['mithril:mining-threshold=3', /mithril: mining-threshold is at least twice min-support/],
    ['obl:step=length', /obl: step=length: /],
    ['pg:toString=1', /pg has no setting 'toString'/],
  ])('%s is refused with what there is', (spec, message) => {
    const error = failureOf(spec);
    expect(error.code).toBe('bad-usage');
    expect(error.message).toMatch(message);
  });

  test('rec-trigger is read with a hyphen or an underscore', () => {
    expect(createBaseline('mithril:rec-trigger=each_req', context).name).toBe('mithril');
    expect(createBaseline('mithril:rec-trigger=miss-evict', context).name).toBe('mithril');
  });
});
