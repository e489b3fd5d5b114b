/** Naive models of the eviction policies: plain arrays, searched from end to end, one for each policy, written from the papers. */

import type { EvictionName, EvictionOptions } from '../../actors/cache-manager/eviction.ts';
import { ageOf } from '../../actors/cache-manager/evictions/reuse-ages.ts';
import { admittedClass, fastGap, reuseClassOf, slowGap } from '../../actors/cache-manager/evictions/reuse-classes.ts';
import { ReuseHazards } from '../../actors/cache-manager/evictions/reuse-hazards.ts';

/** What a model can be asked; the contract of `Eviction` in its plainest form. */
export interface EvictionModel {
  access(id: number, size: number): boolean;
  admit(id: number, size: number): boolean;
  remove(id: number): boolean;
  resize(capacity: number): void;
  /** Who is resident, in any order. */
  residents(): readonly Entry[];
}

interface Entry {
  readonly id: number;
  readonly size: number;
}

type Model = (options: EvictionOptions) => EvictionModel;

const units = (...lists: (readonly Entry[])[]): number => lists.flat().reduce((sum, entry) => sum + entry.size, 0);
const holds = (list: readonly Entry[], id: number): boolean => list.some((entry) => entry.id === id);
/** Takes the entry of `id` out of the first list that has it. */
function take<E extends Entry>(id: number, ...lists: E[][]): E | undefined {
  for (const list of lists) {
    const index = list.findIndex((entry) => entry.id === id);
    if (index >= 0) return list.splice(index, 1)[0];
  }
  return undefined;
}

/** The frame that all models share: who is resident, bypass, removal. `rules` are the policy. */
function model(
  options: EvictionOptions,
  rules: {
    resident(): readonly Entry[];
    hit(id: number): void;
    /** The segment has been demanded, resident or not. */
    demanded?(id: number): void;
    insert(entry: Entry, isDemand: boolean, capacity: number, evict: (entry: Entry) => void): void;
    remove(id: number): void;
    shrink(capacity: number, evict: (entry: Entry) => void): void;
  },
): EvictionModel {
  let capacity = options.capacity;
  const evict = (entry: Entry): void => options.onEvict?.(entry.id);
  const has = (id: number): boolean => holds(rules.resident(), id);
  return {
    residents: () => rules.resident(),
    access(id, size) {
      rules.demanded?.(id);
      if (has(id)) {
        rules.hit(id);
        return true;
      }
      if (size <= capacity) rules.insert({ id, size }, true, capacity, evict);
      return false;
    },
    admit(id, size) {
      if (has(id) || size > capacity) return false;
      rules.insert({ id, size }, false, capacity, evict);
      return true;
    },
    remove(id) {
      if (!has(id)) return false;
      rules.remove(id);
      return true;
    },
    resize(next) {
      capacity = next;
      rules.shrink(next, evict);
    },
  };
}

/** LRU and FIFO: one array, oldest first. */
const queueModel =
  (isRenewedByHit: boolean): Model =>
  (options) => {
    const list: Entry[] = [];
    const shrink = (room: number, evict: (entry: Entry) => void): void => {
      while (units(list) > room) evict(list.shift()!);
    };
    return model(options, {
      resident: () => list,
      hit: (id) => {
        if (isRenewedByHit) list.push(take(id, list)!);
      },
      insert: (entry, _isDemand, capacity, evict) => {
        shrink(capacity - entry.size, evict);
        list.push(entry);
      },
      remove: (id) => take(id, list),
      shrink,
    });
  };

/** CLOCK as the circular buffer of the original: the hand stands before the next to be judged, newcomers enter behind it. */
const clockModel: Model = (options) => {
  const ring: (Entry & { isReferenced: boolean })[] = [];
  let hand = 0;
  const shrink = (room: number, evict: (entry: Entry) => void): void => {
    while (units(ring) > room) {
      hand %= ring.length;
      if (ring[hand].isReferenced) {
        ring[hand].isReferenced = false;
        hand++;
      } else {
        evict(ring.splice(hand, 1)[0]);
      }
    }
  };
  return model(options, {
    resident: () => ring,
    hit: (id) => {
      ring.find((entry) => entry.id === id)!.isReferenced = true;
    },
    insert: (entry, _isDemand, capacity, evict) => {
      shrink(capacity - entry.size, evict);
      ring.splice(hand, 0, { ...entry, isReferenced: false });
      hand++;
    },
    remove: (id) => {
      const index = ring.findIndex((entry) => entry.id === id);
      ring.splice(index, 1);
      if (index < hand) hand--;
    },
    shrink,
  });
};

const sieveModel: Model = (options) => {
  const list: (Entry & { isVisited: boolean })[] = [];
  /** The id under the hand. */
  let hand: number | undefined;
  const idAfter = (index: number): number | undefined => list[index + 1]?.id;
  const shrink = (room: number, evict: (entry: Entry) => void): void => {
    while (units(list) > room) {
      let index = hand === undefined ? 0 : list.findIndex((entry) => entry.id === hand);
      while (list[index].isVisited) {
        list[index].isVisited = false;
        index = (index + 1) % list.length;
      }
      hand = idAfter(index);
      evict(list.splice(index, 1)[0]);
    }
  };
  return model(options, {
    resident: () => list,
    hit: (id) => {
      list.find((entry) => entry.id === id)!.isVisited = true;
    },
    insert: (entry, _isDemand, capacity, evict) => {
      shrink(capacity - entry.size, evict);
      list.push({ ...entry, isVisited: false });
    },
    remove: (id) => {
      const index = list.findIndex((entry) => entry.id === id);
      if (hand === id) hand = idAfter(index);
      list.splice(index, 1);
    },
    shrink,
  });
};

const s3FifoModel: Model = (options) => {
  type Counted = Entry & { uses: number };
  const small: Counted[] = [];
  const main: Counted[] = [];
  const ghosts: Entry[] = [];
  const smallShare = (capacity: number): number => Math.max(1, Math.floor(0.1 * capacity));
  const trim = (capacity: number): void => {
    while (units(ghosts) > Math.max(0, capacity - smallShare(capacity))) ghosts.shift();
  };
  const shrink = (capacity: number, room: number, evict: (entry: Entry) => void): void => {
    while (units(small, main) > room) {
      if (main.length === 0 || units(small) >= smallShare(capacity)) {
        const oldest = small.shift()!;
        if (oldest.uses > 1) {
          main.push({ ...oldest, uses: 0 });
        } else {
          ghosts.push(oldest);
          trim(capacity);
          evict(oldest);
        }
      } else {
        const oldest = main.shift()!;
        if (oldest.uses > 0) main.push({ ...oldest, uses: oldest.uses - 1 });
        else evict(oldest);
      }
    }
  };
  return model(options, {
    resident: () => [...small, ...main],
    hit: (id) => {
      const entry = [...small, ...main].find((candidate) => candidate.id === id)!;
      entry.uses = Math.min(3, entry.uses + 1);
    },
    insert: (entry, isDemand, capacity, evict) => {
      const isRemembered = take(entry.id, ghosts) !== undefined;
      shrink(capacity, capacity - entry.size, evict);
      (isRemembered && isDemand ? main : small).push({ ...entry, uses: 0 });
    },
    remove: (id) => take(id, small, main),
    shrink: (capacity, evict) => {
      shrink(capacity, capacity, evict);
      trim(capacity);
    },
  });
};

const arcModel: Model = (options) => {
  const t1: (Entry & { isStaged: boolean })[] = [];
  const t2: Entry[] = [];
  const b1: Entry[] = [];
  const b2: Entry[] = [];
  let p = 0;
  const replace = (room: number, isInB2: boolean, evict: (entry: Entry) => void): void => {
    while (units(t1, t2) > room) {
      const isFromT1 = t1.length > 0 && (units(t1) > p || (isInB2 && units(t1) === p));
      const [from, to] = isFromT1 || t2.length === 0 ? [t1, b1] : [t2, b2];
      const { id, size } = from.shift()!;
      to.push({ id, size });
      evict({ id, size });
    }
  };
  const insertNew = (entry: Entry, isStaged: boolean, c: number, evict: (entry: Entry) => void): void => {
    while (b1.length > 0 && units(t1, b1) + entry.size > c) b1.shift();
    while (units(t1) + entry.size > c) evict(t1.shift()!);
    while (b2.length > 0 && units(t1, t2, b1, b2) + entry.size > 2 * c) b2.shift();
    replace(c - entry.size, false, evict);
    t1.push({ ...entry, isStaged });
  };
  return model(options, {
    resident: () => [...t1, ...t2],
    hit: (id) => {
      const entry = take<Entry & { isStaged?: boolean }>(id, t1, t2)!;
      if (entry.isStaged) t1.push({ ...entry, isStaged: false });
      else t2.push({ id, size: entry.size });
    },
    insert: (entry, isDemand, c, evict) => {
      const isInB1 = holds(b1, entry.id);
      const isInB2 = holds(b2, entry.id);
      if (!isInB1 && !isInB2) {
        insertNew(entry, !isDemand, c, evict);
      } else if (!isDemand) {
        take(entry.id, b1, b2);
        insertNew(entry, false, c, evict);
      } else {
        const ratio = isInB1 ? units(b2) / units(b1) : units(b1) / units(b2);
        const step = entry.size * Math.max(1, ratio);
        p = isInB1 ? Math.min(c, p + step) : Math.max(0, p - step);
        take(entry.id, b1, b2);
        replace(c - entry.size, isInB2, evict);
        t2.push(entry);
      }
    },
    remove: (id) => take<Entry>(id, t1, t2),
    shrink: (c, evict) => {
      p = Math.min(p, c);
      replace(c, false, evict);
      while (b1.length > 0 && units(t1, b1) > c) b1.shift();
      while (b2.length > 0 && units(t1, t2, b1, b2) > 2 * c) b2.shift();
    },
  });
};

const lirsModel: Model = (options) => {
  type Kind = 'lir' | 'hir' | 'ghost';
  const known = new Map<number, { size: number; kind: Kind }>();
  /** Oldest first. */
  let stack: number[] = [];
  let queue: number[] = [];
  /** In the order they were evicted. */
  let ghosts: number[] = [];
  const without = (list: number[], id: number): number[] => list.filter((other) => other !== id);
  const sizeOf = (ids: Iterable<number>): number => [...ids].reduce((sum, id) => sum + known.get(id)!.size, 0);
  const ofKind = (kind: Kind): number[] => [...known.keys()].filter((id) => known.get(id)!.kind === kind);
  const lirMax = (capacity: number): number => Math.max(0, capacity - Math.max(1, Math.floor(0.01 * capacity)));
  const forget = (id: number): void => {
    stack = without(stack, id);
    ghosts = without(ghosts, id);
    known.delete(id);
  };
  const prune = (): void => {
    while (stack.length > 0 && known.get(stack[0])!.kind !== 'lir') {
      const [bottom] = stack;
      if (known.get(bottom)!.kind === 'ghost') forget(bottom);
      else stack.shift();
    }
  };
  const demoteOne = (): void => {
    const bottom = stack.shift()!;
    known.get(bottom)!.kind = 'hir';
    queue.push(bottom);
    prune();
  };
  const settle = (capacity: number): void => {
    while (sizeOf(ofKind('lir')) > lirMax(capacity)) demoteOne();
    prune();
    while (ghosts.length > 0 && sizeOf(stack) > 2 * capacity) forget(ghosts[0]);
  };
  const shrink = (room: number, evict: (entry: Entry) => void): void => {
    while (sizeOf([...ofKind('lir'), ...ofKind('hir')]) > room) {
      if (queue.length === 0) demoteOne();
      const front = queue.shift()!;
      const entry = { id: front, size: known.get(front)!.size };
      if (stack.includes(front)) {
        known.get(front)!.kind = 'ghost';
        ghosts.push(front);
      } else {
        known.delete(front);
      }
      evict(entry);
    }
  };
  let capacityNow = options.capacity;
  return model(options, {
    resident: () => [...ofKind('lir'), ...ofKind('hir')].map((id) => ({ id, size: known.get(id)!.size })),
    hit: (id) => {
      const wasStacked = stack.includes(id);
      stack = [...without(stack, id), id];
      if (known.get(id)!.kind === 'hir') {
        queue = without(queue, id);
        if (wasStacked) known.get(id)!.kind = 'lir';
        else queue.push(id);
      }
      settle(capacityNow);
    },
    insert: ({ id, size }, isDemand, capacity, evict) => {
      if (!isDemand) {
        shrink(capacity - size, evict);
        ghosts = without(ghosts, id);
        known.set(id, { size, kind: 'hir' });
        queue.push(id);
        // No prune: the stack is as it was but for a size.
        while (ghosts.length > 0 && sizeOf(stack) > 2 * capacity) forget(ghosts[0]);
        return;
      }
      const isRemembered = known.get(id)?.kind === 'ghost';
      if (isRemembered) forget(id);
      shrink(capacity - size, evict);
      const isLir = isRemembered || sizeOf(ofKind('lir')) + size <= lirMax(capacity);
      known.set(id, { size, kind: isLir ? 'lir' : 'hir' });
      stack.push(id);
      if (!isLir) queue.push(id);
      settle(capacity);
    },
    remove: (id) => {
      forget(id);
      queue = without(queue, id);
      prune();
    },
    shrink: (capacity, evict) => {
      capacityNow = capacity;
      while (sizeOf(ofKind('lir')) > lirMax(capacity)) demoteOne();
      shrink(capacity, evict);
      settle(capacity);
    },
  });
};

const wTinyLfuModel: Model = (options) => {
  const window: Entry[] = [];
  const probation: Entry[] = [];
  const guarded: Entry[] = [];
  const counts = new Map<number, number>();
  const countOf = (id: number): number => counts.get(id) ?? 0;
  let sampled = 0;
  let capacityNow = options.capacity;
  const windowMax = (): number => Math.max(1, Math.floor(0.01 * capacityNow));
  const everybody = (): Entry[] => [...window, ...probation, ...guarded];
  const demote = (): void => {
    while (units(guarded) > Math.floor(0.8 * Math.max(0, capacityNow - windowMax()))) probation.push(guarded.shift()!);
  };
  const shrink = (size: number, evict: (entry: Entry) => void): void => {
    const room = capacityNow - size;
    while (window.length > 0 && units(window) + size > windowMax()) {
      if (units(everybody()) <= room) {
        probation.push(window.shift()!);
      } else {
        const main = probation.length > 0 ? probation : guarded;
        const isBetter = main.length > 0 && countOf(window[0].id) > countOf(main[0].id);
        evict((isBetter ? main : window).shift()!);
      }
    }
    while (units(everybody()) > room) evict([probation, guarded, window].find((list) => list.length > 0)!.shift()!);
  };
  return model(options, {
    resident: everybody,
    demanded: (id) => {
      sampled++;
      const residents = everybody();
      // Ten accesses for each segment that the cache could hold at its residents' mean size.
      if (residents.length > 0 && sampled * units(residents) >= 10 * capacityNow * residents.length) {
        for (const [key, count] of counts) counts.set(key, Math.floor(count / 2));
        sampled = 0;
      }
      counts.set(id, Math.min(15, countOf(id) + 1));
    },
    hit: (id) => {
      if (holds(window, id)) window.push(take(id, window)!);
      else guarded.push(take(id, probation, guarded)!);
      demote();
    },
    insert: (entry, _isDemand, _capacity, evict) => {
      shrink(entry.size, evict);
      window.push(entry);
    },
    remove: (id) => take(id, window, probation, guarded),
    shrink: (capacity, evict) => {
      capacityNow = capacity;
      shrink(0, evict);
      demote();
    },
  });
};

const gdsfModel: Model = (options) => {
  let list: (Entry & { uses: number; priority: number; touchedAt: number })[] = [];
  let bar = 0;
  let now = 0;
  const shrink = (room: number, evict: (entry: Entry) => void): void => {
    while (units(list) > room) {
      const least = Math.min(...list.map((entry) => entry.priority));
      const ties = list.filter((entry) => entry.priority === least).sort((a, b) => a.touchedAt - b.touchedAt);
      bar = least;
      list = list.filter((entry) => entry !== ties[0]);
      evict(ties[0]);
    }
  };
  return model(options, {
    resident: () => list,
    hit: (id) => {
      const entry = list.find((candidate) => candidate.id === id)!;
      entry.uses++;
      entry.priority = bar + entry.uses / entry.size;
      entry.touchedAt = now++;
    },
    insert: (entry, isDemand, capacity, evict) => {
      shrink(capacity - entry.size, evict);
      list.push({ ...entry, uses: isDemand ? 1 : 0, priority: bar + 1 / entry.size, touchedAt: now++ });
    },
    remove: (id) => take(id, list),
    shrink,
  });
};

/** Asks the future when it must choose, not when it sees the access. */
const beladyModel: Model = (options) => {
  const list: Entry[] = [];
  const nextOf = (entry: Entry): number => options.future!.nextOf(entry.id);
  const shrink = (room: number, evict: (entry: Entry) => void): void => {
    while (units(list) > room) {
      const farthest = Math.max(...list.map(nextOf));
      evict(take(list.find((entry) => nextOf(entry) === farthest)!.id, list)!);
    }
  };
  return model(options, {
    resident: () => list,
    // In order of touch, so that of several without a future the one touched longest ago is found first.
    hit: (id) => list.push(take(id, list)!),
    insert: (entry, _isDemand, capacity, evict) => {
      shrink(capacity - entry.size, evict);
      list.push(entry);
    },
    remove: (id) => take(id, list),
    shrink,
  });
};

/** Three models, one of which says who may stay; the contents are two lists. */
/** Hazard: histories in a map, residents in one array by age; what a class is worth at an age is taken as `ReuseHazards` has it, which has tests of its own. */
const hazardModel: Model = (options) => {
  interface History {
    uses: number;
    slow: number;
    fast: number;
    demandedAt: number;
    since: number;
    reuseClass: number;
  }
  const known = new Map<number, History>();
  const list: Entry[] = [];
  const isBytes = options.unit === 'bytes';
  const hazards = new ReuseHazards(isBytes ? 4 : 1);
  const inspections = isBytes ? 8 : 4;
  let now = 0;
  let updatedAt = 0;
  let updateAt = 256;
  let inspected = 0;
  const historyOf = (id: number): History => {
    const history = known.get(id) ?? { uses: 0, slow: 0, fast: 0, demandedAt: 0, since: 0, reuseClass: -1 };
    known.set(id, history);
    return history;
  };
  const worth = ({ id, size }: Entry): number => {
    const { reuseClass, since } = known.get(id)!;
    return hazards.densityOf(reuseClass, ageOf(now - since)) / size;
  };
  const shrink = (room: number, evict: (entry: Entry) => void): void => {
    while (units(list) > room) {
      const classes = new Map<number, Entry[]>();
      for (const entry of list) {
        const { reuseClass } = known.get(entry.id)!;
        const row = reuseClass * 32 + (isBytes ? Math.floor(Math.log2(entry.size)) : 0);
        classes.set(row, [...(classes.get(row) ?? []), entry]);
      }
      const ends = [...classes.keys()]
        .sort((a, b) => a - b)
        .flatMap((key) => {
          const entries = classes.get(key)!;
          return [entries[0]!, entries.at(-1)!];
        });
      const victim = ends.reduce((least, entry) => (worth(entry) < worth(least) ? entry : least));
      evict(take(victim.id, list)!);
    }
  };
  const learn = (id: number): void => {
    const history = known.get(id)!;
    const { uses, demandedAt } = history;
    if (uses > 0) {
      history.slow = Math.fround(slowGap(history.slow, now - demandedAt, uses));
      history.fast = Math.fround(fastGap(history.fast, now - demandedAt, uses));
    }
    history.uses = Math.min(255, uses + 1);
    history.demandedAt = now;
    history.since = now;
    history.reuseClass = reuseClassOf(uses + 1, history.slow, history.fast);
  };
  const demanded = (id: number): void => {
    now++;
    // A map keeps the order in which its keys came.
    const seen = [...known];
    for (let i = 0; i < inspections && seen.length > 0; i++) {
      const [other, { reuseClass, since }] = seen[inspected % seen.length]!;
      if (other !== id) hazards.exposed(reuseClass, now - since, seen.length / inspections);
      inspected = (inspected % seen.length) + 1;
    }
    const before = known.get(id);
    if (before !== undefined) hazards.returned(before.reuseClass, now - before.since);
    historyOf(id);
  };
  const updateIfDue = (): void => {
    if (now < updateAt) return;
    const halfLife = Math.max(16 * list.length, 32768);
    hazards.update(now - updatedAt, halfLife);
    updatedAt = now;
    updateAt = now + Math.min(Math.ceil(halfLife / 4), Math.max(256, Math.floor(now / 16)));
  };
  const base = model(options, {
    resident: () => list,
    demanded,
    hit: (id) => {
      const entry = take(id, list)!;
      learn(id);
      list.push(entry);
    },
    insert: (entry, isDemand, capacity, evict) => {
      shrink(capacity - entry.size, evict);
      if (isDemand) learn(entry.id);
      else Object.assign(historyOf(entry.id), { reuseClass: admittedClass, since: now });
      list.push(entry);
    },
    remove: (id) => take(id, list),
    shrink,
  });
  let capacity = options.capacity;
  return {
    ...base,
    access(id, size) {
      const isHit = base.access(id, size);
      // What is larger than the cache passes by, but it was demanded.
      if (!isHit && size > capacity) learn(id);
      updateIfDue();
      return isHit;
    },
    resize(next) {
      capacity = next;
      base.resize(next);
    },
  };
};

const autoModel: Model = (options) => {
  let capacity = options.capacity;
  const isBytes = options.unit === 'bytes';
  let leader = 3;
  const kept: Entry[] = [];
  const extra: Entry[] = [];
  const experts = [s3FifoModel, arcModel, isBytes ? gdsfModel : wTinyLfuModel, hazardModel].map((make, index) =>
    make({
      ...options,
      onEvict: (id) => {
        if (index === leader && holds(kept, id)) extra.push(take(id, kept)!);
      },
    }),
  );
  let spared = experts.map(() => 0);
  const barLeast = isBytes ? 0.1 : 0.02;
  let bar = barLeast;
  /** Whether the leader holds it, in a copy no smaller. */
  const isLed = (entry: Entry): boolean =>
    experts[leader]!.residents().some(({ id, size }) => id === entry.id && size >= entry.size);
  const makeRoom = (size: number): void => {
    while (units(kept, extra) + size > capacity) options.onEvict?.((extra.length > 0 ? extra : kept).shift()!.id);
  };
  const insert = (entry: Entry): void => {
    makeRoom(entry.size);
    (isLed(entry) ? kept : extra).push(entry);
  };
  return {
    residents: () => [...kept, ...extra],
    access(id, size) {
      const order = [leader, ...experts.keys()].filter((expert, i) => i === 0 || expert !== leader);
      const isAbsent = !holds(kept, id) && !holds(extra, id);
      const hits = new Map(
        order.map((expert) => {
          const copy = experts[expert]!.residents().find((entry) => entry.id === id);
          // The leader has what is fetched now.
          if (expert === leader && isAbsent && copy !== undefined && copy.size !== size) experts[expert]!.remove(id);
          experts[expert]!.access(id, size);
          return [expert, copy !== undefined] as const;
        }),
      );
      spared = spared.map((sum, i) => Math.max(0, sum + Number(hits.get(i)) - Number(hits.get(leader))));
      const isHit = holds(kept, id) || holds(extra, id);
      if (!isHit && size <= capacity) insert({ id, size });
      const spare = extra.find((entry) => entry.id === id);
      if (spare !== undefined && isHit && isLed(spare)) kept.push(take(id, extra)!);
      // Only who gained by this very access can have come to lead.
      const gained = spared.map((sum, i) => (hits.get(i) === true && hits.get(leader) === false ? sum : 0));
      const most = Math.max(...gained);
      const residents = kept.length + extra.length;
      if (most > 16 && most > bar * residents) {
        bar = Math.min(1, bar * 2);
        leader = gained.indexOf(most);
        spared = experts.map(() => 0);
        for (const entry of extra.splice(0)) (isLed(entry) ? kept : extra).push(entry);
        for (const entry of kept.splice(0)) (isLed(entry) ? kept : extra).push(entry);
      }
      if (bar > barLeast) bar = Math.max(barLeast, bar - bar / (16 * Math.max(1, residents)));
      return isHit;
    },
    admit(id, size) {
      if (size > capacity || holds(kept, id) || holds(extra, id)) return false;
      for (const expert of experts) expert.admit(id, size);
      insert({ id, size });
      return true;
    },
    remove(id) {
      for (const expert of experts) expert.remove(id);
      return take(id, kept, extra) !== undefined;
    },
    resize(next) {
      capacity = next;
      for (const expert of experts) expert.resize(next);
      makeRoom(0);
    },
  };
};

export const evictionModels: Readonly<Record<EvictionName, Model>> = {
  auto: autoModel,
  lru: queueModel(true),
  fifo: queueModel(false),
  clock: clockModel,
  sieve: sieveModel,
  's3-fifo': s3FifoModel,
  arc: arcModel,
  lirs: lirsModel,
  'w-tinylfu': wTinyLfuModel,
  gdsf: gdsfModel,
  hazard: hazardModel,
  belady: beladyModel,
};
