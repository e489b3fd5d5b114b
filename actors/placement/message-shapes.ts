/** What a message of a pipeline must look like when it comes from another place. */

type Check = (value: unknown) => boolean;
type Typed = Float64Array | Uint32Array | Uint8Array;

const isNumber: Check = (value) => typeof value === 'number';
const isText: Check = (value) => typeof value === 'string' && value.length <= 256;
/** A log position. */
const isPosition: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const f64: Check = (value) => value instanceof Float64Array;
const u32: Check = (value) => value instanceof Uint32Array;
const u8: Check = (value) => value instanceof Uint8Array;

/** An object with exactly these fields, each as its check says. */
function fields(checks: Readonly<Record<string, Check>>): Check {
  const names = Object.keys(checks);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === names.length &&
    names.every((name) => Object.hasOwn(value, name) && checks[name]!((value as Record<string, unknown>)[name]));
}

/** Typed arrays of one length. */
function columns(checks: Readonly<Record<string, Check>>): Check {
  const isWell = fields(checks);
  return (value) =>
    isWell(value) && new Set(Object.values(value as Record<string, Typed>).map((column) => column.length)).size === 1;
}

const base = { kind: isText, position: isPosition };
const outcomeColumns = columns({ id: f64, expert: u8, outcome: u8 });
const fetchColumns = columns({ fetchBytes: f64, fetchMs: f64 });

/** By kind. Everything else of a message is a matter of its actor, which takes any values of these types. */
export const messageShapes: ReadonlyMap<string, Check> = new Map([
  ['tick', fields({ ...base, timeMs: isNumber })],
  [
    'proposals',
    fields({
      ...base,
      expert: isText,
      timeMs: isNumber,
      proposals: columns({ segment: u32, horizon: u8, score: f64 }),
    }),
  ],
  [
    'forecasts',
    fields({
      ...base,
      timeMs: isNumber,
      forecasts: columns({ segment: u32, horizon: u8, probability: f64, expert: u8 }),
    }),
  ],
  ['outcomes', both(fields({ ...base, id: f64, expert: u8, outcome: u8 }), 'id expert outcome', outcomeColumns)],
  [
    'site-status',
    both(
      fields({
        ...base,
        freeBytes: isNumber,
        capacityBytes: isNumber,
        inFlightCount: isNumber,
        residence: isNumber,
        displacedValuePerByte: isNumber,
        fetchBytes: f64,
        fetchMs: f64,
      }),
      'fetchBytes fetchMs',
      fetchColumns,
    ),
  ],
  [
    'plan',
    fields({
      kind: isText,
      plan: fields({
        position: isPosition,
        timeMs: isNumber,
        entries: columns({
          id: f64,
          segment: u32,
          sizeBytes: f64,
          probability: f64,
          expert: u8,
          startBy: f64,
          expiresAt: f64,
          netBenefit: f64,
        }),
        cancelled: f64,
      }),
    }),
  ],
  [
    'residency',
    both(fields({ ...base, held: u8, resident: u8 }), 'held resident', columns({ held: u8, resident: u8 })),
  ],
  ['save', fields(base)],
  ['ask', fields({ kind: isText, id: isPosition, question: (value) => typeof value === 'object' && value !== null })],
  ['finish', fields(base)],
  ['adopted', fields(base)],
  ['finished', fields({ ...base, digest: isText })],
]);

/** As the first check says, and some of the fields are columns of one length. */
function both(isWhole: Check, names: string, areColumns: Check): Check {
  return (value) => {
    if (!isWhole(value)) return false;
    const chosen = names.split(' ').map((name) => [name, (value as Record<string, unknown>)[name]]);
    return areColumns(Object.fromEntries(chosen));
  };
}
